// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to core: sums over a user's buckets. A sum at `at` is the speech of the span's view in buckets from
// first_counted(at) on. Running sums only move forward: `at` must not go back (instants of steps and due timers never
// do).
#pragma once

#include <cstdint>
#include <span>

#include "core/step_output.hpp"
#include "core/user.hpp"

namespace fairuse::detail {

/// Running sum number `span` at instant `at`; amortised O(1).
std::int64_t sum_at(user& who, std::size_t span, time_ms at);

/// The same, added up from the buckets: for queries, which change nothing.
std::int64_t bucket_sum(const user& who, const policy_set& policies, std::size_t span, time_ms at);

/// A sum, and what it may be at most.
struct sum_limit {
  std::uint16_t span;
  std::int64_t limit_ms;
};

/// The first instant at which every sum is at or below its limit if no more speech comes.
time_ms drains_at(const user& who, const policy_set& policies, std::span<const sum_limit> limits, time_ms now);

/// The same for one running sum, after at most `entries_max` entries of the buckets: then the instant is early.
time_ms drains_early(const user& who, const sum_limit& limit, time_ms now, std::uint32_t entries_max);

/// One bucket's worth of speech into the buckets of a profile and into every sum over it.
void add(user& who, const policy_set& policies, std::size_t profile, const added_speech& speech, lane from,
         bool while_off);

/// Put the event of out.speech into every profile's buckets and into the sums.
void meter(user& who, const controls& in_force, time_ms now, const event& what, step_output& out);

/// Drop what no window and no duplicate can reach any more. Once per hour of `now`.
void prune(user& who, time_ms now);

/// All running sums at `now`, from the buckets.
void rebuild_sums(user& who, const policy_set& policies, time_ms now);

} // namespace fairuse::detail
