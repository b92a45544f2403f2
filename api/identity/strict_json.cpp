// SPDX-License-Identifier: Apache-2.0
#include "api/identity/strict_json.hpp"

#include <algorithm>
#include <vector>

#include "base/pure/text.hpp"
#include "events/json_text.hpp"

namespace fairuse {

namespace {

namespace dom = simdjson::dom;

constexpr std::size_t nesting_max = 16;

bool is_strict(const dom::element& value);

bool is_strict(const dom::object& object) {
  std::vector<std::string_view> names;
  for (const auto& [name, value] : object) {
    if (find_utf8_fault(name) or not is_strict(value)) return false;
    names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) == names.end();
}

// As deep as the parser went. Parsers differ: some let the second half of a surrogate pair stand alone.
bool is_strict(const dom::element& value) { // NOLINT(misc-no-recursion)
  dom::object object;
  if (value.get(object) == simdjson::SUCCESS) return is_strict(object);
  dom::array list;
  if (value.get(list) == simdjson::SUCCESS)
    return std::all_of(list.begin(), list.end(), [](const dom::element& each) { return is_strict(each); });
  std::string_view text;
  return value.get(text) != simdjson::SUCCESS or not find_utf8_fault(text);
}

} // namespace

std::optional<dom::object> read_strict_object(dom::parser& parser, std::string_view text) {
  dom::object object;
  // Parsers differ: simdjson 3.2 and later skip the mark.
  if (text.starts_with(byte_order_mark)) return std::nullopt;
  if (parser.allocate(text.size(), nesting_max) != simdjson::SUCCESS) return std::nullopt;
  if (parser.parse(text.data(), text.size()).get(object) != simdjson::SUCCESS or not is_strict(object))
    return std::nullopt;
  return object;
}

std::optional<std::string_view> strict_text(const dom::object& of, std::string_view name) {
  std::string_view text;
  if (of.at_key(name).get(text) != simdjson::SUCCESS) return std::nullopt;
  return text;
}

} // namespace fairuse
