// SPDX-License-Identifier: Apache-2.0
//
// Times as cases say them: `day 2 09:00`, the first day being day 1, or an instant of RFC 3339.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "events/event.hpp"

namespace fairuse::sim {

struct case_time {
  /// From midnight of the first day; or an instant.
  time_ms ms = 0;
  bool is_relative = true;

  time_ms instant(time_ms start) const { return is_relative ? start + ms : ms; }
};

/// `09:00`, `9:00:30`, `24:00`: ms from midnight.
std::optional<std::int64_t> clock_from(std::string_view text);
std::optional<case_time> case_time_from(std::string_view text);
/// The shortest text from which case_time_from() makes it again.
std::string case_time_text(time_ms at, time_ms start);

} // namespace fairuse::sim
