// SPDX-License-Identifier: Apache-2.0
#include "storage/case_key.hpp"

#include <cstdlib>
#include <string_view>
#include <utility>

#include "base/pure/text.hpp"
#include "base/system/files.hpp"

namespace fairuse {

namespace {

constexpr const char* variable = "FAIRUSE_CASE_KEY";
/// Public, hence no secret: for trials only.
constexpr const char* development_key = "fairuse development case key";

result<std::string, store_error> checked(std::string_view text, std::string_view name, const std::string& where) {
  std::string bytes{value_alone(text)};
  if (bytes.size() < case_key_bytes_min)
    return store_error{store_fault::wrong_key, "The " + std::string(name) + " in " + where + " has "
                                                   + std::to_string(bytes.size()) + " bytes; it needs at least "
                                                   + std::to_string(case_key_bytes_min) + "."};
  return bytes;
}

constexpr std::string_view case_key_name = "case key";

} // namespace

result<std::string, store_error> read_key(const std::filesystem::path& file, std::string_view name) {
  const auto bytes = read_file(file);
  if (not bytes)
    return store_error{store_fault::io, "Cannot read the " + std::string(name) + " file " + file.string() + "."};
  return checked(*bytes, name, file.string());
}

result<case_key, store_error> find_case_key(const std::optional<std::filesystem::path>& file) {
  const auto as_case_key = [](result<std::string, store_error> bytes,
                              case_key_origin from) -> result<case_key, store_error> {
    if (not bytes) return bytes.error();
    return case_key{std::move(*bytes), from};
  };
  if (file) return as_case_key(read_key(*file, case_key_name), case_key_origin::file);
  if (const char* value = std::getenv(variable); value != nullptr and *value != '\0')
    return as_case_key(checked(value, case_key_name, variable), case_key_origin::environment);
  return case_key{development_key, case_key_origin::development};
}

} // namespace fairuse
