// SPDX-License-Identifier: Apache-2.0
#include "storage/case_key.hpp"

#include <cstdlib>
#include <string_view>

#include "base/pure/text.hpp"
#include "base/system/files.hpp"

namespace fairuse {

namespace {

constexpr const char* variable = "FAIRUSE_CASE_KEY";
/// Public, hence no secret: for trials only.
constexpr const char* development_key = "fairuse development case key";

result<case_key, store_error> checked(std::string_view text, case_key_origin from, const std::string& where) {
  std::string bytes{value_alone(text)};
  if (bytes.size() < case_key_bytes_min)
    return store_error{store_fault::wrong_key, "The case key in " + where + " has " + std::to_string(bytes.size())
                                                   + " bytes; it needs at least " + std::to_string(case_key_bytes_min)
                                                   + "."};
  return case_key{std::move(bytes), from};
}

} // namespace

result<case_key, store_error> find_case_key(const std::optional<std::filesystem::path>& file) {
  if (file) {
    auto bytes = read_file(*file);
    if (not bytes) return store_error{store_fault::io, "Cannot read the case key file " + file->string() + "."};
    return checked(*bytes, case_key_origin::file, file->string());
  }
  if (const char* value = std::getenv(variable); value != nullptr and *value != '\0')
    return checked(value, case_key_origin::environment, variable);
  return case_key{development_key, case_key_origin::development};
}

} // namespace fairuse
