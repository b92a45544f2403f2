// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to events/. The slow second reading of a JSON text. The fast parser neither says where a text is invalid nor
// keeps a number as it was written; both are needed rarely, so the text is read again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "events/refusal.hpp"

namespace fairuse {

struct json_fault {
  refusal why = refusal::not_json;
  std::size_t byte = 0;
};

/// The first fault in text order: not_json, truncated (all that is there could have become JSON), bad_utf8 (lone
/// surrogate escapes included), too_deep; or, in a text without these, integer_overflow (a number beyond what 64 bits
/// or a double hold). Nullopt: nothing wrong. Stack use is bounded by `depth_max`.
std::optional<json_fault> find_json_fault(std::string_view text, std::size_t depth_max);

/// The first `\u` escape that is half of a surrogate pair. REQUIRES: valid JSON. Cheap where there are no backslashes.
std::optional<std::size_t> find_lone_surrogate(std::string_view text);

/// The text of the value of the object's n-th member. REQUIRES: a valid JSON object with that many members.
std::string_view raw_member(std::string_view object, std::size_t n);

/// A JSON number in 1e-9 units, truncated, exactly as written in decimal: `0.7` is 700'000'000. Nullopt: outside 0..1.
std::optional<std::int32_t> nano_from(std::string_view number);

} // namespace fairuse
