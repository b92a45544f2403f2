// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to core: rolling sums over a user's buckets. A sum at `at` is the speech of the span's view in buckets from
// first_counted(at) on. Tails only move forward, so `at` must not go back (instants of steps and due timers never do).
#pragma once

#include "core/rules.hpp"
#include "core/user.hpp"

namespace fairuse::detail {

/// Sum of span number `span` at instant `at`; amortised O(1).
std::int64_t sum_at(user& u, std::size_t span, time_ms at);

/// Put one event's speech into every profile's buckets and into the sums.
void meter(user& u, const controls& c, time_ms now, const event& e, step_output& out);

/// The lane that an event's speech has under a profile: late speech moves to backfill.
lane lane_under(const metering_profile& profile, time_ms now, const event& e);

/// How an event's speech falls into a profile's buckets, in time order.
void spread(const metering_profile& profile, time_ms now, const event& e, step_output& out);

/// Forget what no window and no duplicate can reach any more. Once per hour of `now`.
void prune(user& u, time_ms now);

} // namespace fairuse::detail
