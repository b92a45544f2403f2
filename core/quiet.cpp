// SPDX-License-Identifier: Apache-2.0
#include "core/quiet.hpp"

#include <algorithm>

#include "core/limits.hpp"
#include "core/reviews.hpp"

namespace fairuse::detail {

namespace {

/// Enough for what leaves a window in an hour of speech; a longer walk would be repeated too often.
constexpr std::uint32_t drain_entries_max = 64;

/// When the first exceeded window is back at its cap if no more speech comes: until then it stays exceeded. May be
/// early.
time_ms first_drain(const slot_context& context, const limits_reading& windows) {
  auto first = never;
  for (std::size_t window = 0; window < windows.limits.count; ++window)
    if (windows.is_exceeded(window))
      first = std::min(first, drains_early(context.who, windows.limits.all[window], context.at, drain_entries_max));
  return first;
}

} // namespace

void begin_quiet(slot_context& context, const limits_reading& windows) {
  // A review may just have changed the stage, and with it the caps that hold hard.
  const auto restrictions = read_restrictions(context);
  const auto headroom_ms =
      std::min({windows.headroom_ms, restrictions.hard.headroom_ms, restrictions.ceiling.headroom_ms});
  auto& sums = context.who.sums;
  auto& quiet = sums.quiet(context.slot);
  quiet.added_max_ms = headroom_ms == INT64_MAX ? INT64_MAX : sums.added_ms(context.spec().view) + headroom_ms;
  const auto next = windows.exceeded != 0 ? next_request(context) : request_time{review_block::none, never};
  quiet.why = next.why_not_now;
  quiet.asks_at = next.at;
  // More speech only delays a drain, so a walk over the buckets holds good until its instant has come.
  if (quiet.exceeded != windows.exceeded or quiet.drains_at <= context.at)
    quiet.drains_at = first_drain(context, windows);
  quiet.exceeded = windows.exceeded;
}

void count_quiet_excess(const slot_context& live, review_block why) {
  if (not live.judges()) return;
  const auto from = live.out.speech.from(live.policies().profile_of(live.spec()));
  if (live.rules().enforced_lanes[static_cast<std::size_t>(from)]) count_review_block(live.out.counts, why);
}

} // namespace fairuse::detail
