// SPDX-License-Identifier: Apache-2.0
#include "storage/case_reference.hpp"

#include <memory>

#include "base/pure/hex.hpp"
#include "storage/bytes.hpp"

namespace fairuse {

namespace {

constexpr std::size_t reference_bytes = 6;

} // namespace

keyed_hash case_namer::hash(std::string_view use, std::string_view message, std::string_view suffix) {
  mac_.add(use);
  mac_.add(std::string_view("\0", 1));
  mac_.add(message);
  mac_.add(suffix);
  return mac_.finish();
}

std::string case_namer::reference(std::string_view uid, std::uint32_t strike) {
  std::string suffix;
  append_big_endian(suffix, strike);
  const auto bytes = hash("case", uid, suffix);
  return "FU-" + to_upper_hex(as_bytes(bytes).substr(0, reference_bytes));
}

keyed_hash case_namer::erased(std::string_view uid) { return hash("erased", uid, {}); }

std::string case_namer::check() {
  const auto bytes = hash("check", {}, {});
  return std::string(as_bytes(bytes).substr(0, 8));
}

std::function<std::string(std::string_view, std::uint32_t)> case_naming_of(std::string_view key) {
  return [names = std::make_shared<case_namer>(key)](std::string_view uid, std::uint32_t strike) {
    return names->reference(uid, strike);
  };
}

} // namespace fairuse
