// SPDX-License-Identifier: Apache-2.0
//
// Instants as text: RFC 3339. Arithmetic only: no locale, no time zone data, no clock.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "events/event.hpp"

namespace fairuse {

/// Years 0000 to 9999, any offset, any number of fraction digits (cut after milliseconds, never rounded). A leap second
/// is the first instant of the next minute, as POSIX counts. Nullopt: not RFC 3339.
std::optional<time_ms> time_from(std::string_view text);

/// Append `2026-11-22T09:27:32.123Z`: always UTC, always milliseconds. REQUIRES: within the years 0000 to 9999.
void append_time(std::string& out, time_ms value);
std::string to_time_text(time_ms value);

} // namespace fairuse
