// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to core: the STT budget of a UTC day.
#pragma once

#include <cstdint>

#include "core/context.hpp"

namespace fairuse::detail {

/// UTC day number. Instants have no leap seconds and the number is what a standing keeps, so no calendar is needed.
inline std::int32_t utc_day(time_ms at) { return static_cast<std::int32_t>(at / day_ms); }
/// The first instant after the day: a used budget is reset at it.
inline time_ms utc_day_end(std::int32_t day) { return (day + time_ms{1}) * day_ms; }

/// What a standing (nullptr: none) has used of the budget of the day of `at`.
std::int64_t used_budget(const standing* of, time_ms at);

/// Is what is sent now counted? Reads caps as they are before the event at hand.
bool budget_tracked(slot_context& context);
/// Is what is sent now refused? Only in the budget's stage.
bool budget_blocks(const slot_context& context);
/// Count `ms` that were sent at `sent_at`; not if that was an earlier day.
void charge_budget(slot_context& context, time_ms sent_at, std::int64_t ms);
/// Write budget_exhausted if it begins to hold (the stage may be another one now); else budget_low, once a day.
void refresh_budget(slot_context& context);
/// The timer at the end of the day.
void reset_budget(slot_context& context);

} // namespace fairuse::detail
