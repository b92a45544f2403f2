// SPDX-License-Identifier: Apache-2.0
//
// Why an input line became a dead letter instead of an event. One list for the wire (decoding) and for sealing
// (lateness, erasure, partition), so that one counter per reason covers them all. The texts are API: they stand in dead
// letters and in metric labels. A duplicate is no refusal; it is counted apart.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fairuse {

/// Never renumber; new codes go to the end.
enum class refusal : std::uint8_t {
  // The text.
  not_json = 0,
  truncated,
  bad_utf8,
  too_deep,
  too_large,
  // The form.
  wrong_type,
  missing_field,
  unknown_field,
  duplicate_key,
  conflicting_fields,
  bad_specversion,
  unknown_type,
  // The envelope.
  empty_subject,
  subject_too_long,
  star_subject,
  empty_id,
  id_too_long,
  empty_source,
  source_too_long,
  time_out_of_range,
  // The data.
  negative_duration,
  absurd_duration,
  segment_end_before_start,
  integer_overflow,
  too_many,
  text_too_long,
  bad_value,
  // Sealing: a well-formed event that comes at the wrong time or place.
  too_old,
  future,
  erased,
  wrong_partition,
};
inline constexpr std::size_t refusal_count = 31;
/// A counter for each reason.
using refusal_counts = std::array<std::uint64_t, refusal_count>;
std::uint64_t sum_of(const refusal_counts& counts);

/// snake_case code.
std::string_view to_text(refusal value);

/// Where a record without a value (a tombstone) is not_json.
inline constexpr std::string_view place_of_value = "value";
inline constexpr std::string_view place_of_key = "key";
/// Where a strike that the user does not have is a bad_value.
inline constexpr std::string_view place_of_strike = "data.strike";
/// Where an exemption would end before it begins: a bad_value, too.
inline constexpr std::string_view place_of_until = "data.until";

/// What the sender can do about it, in one sentence; `place` as in refused.
std::string_view remedy(refusal why, std::string_view place);
/// The same, and the sentence that is known about this line, if there is one.
std::string remedy(refusal why, std::string_view place, std::string_view note);

struct refused {
  refusal why = refusal::not_json;
  /// A path (`data.segments[3]`), or `byte 17` where the text itself is broken. Never a value from the line.
  std::string place;
};

} // namespace fairuse
