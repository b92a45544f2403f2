// SPDX-License-Identifier: Apache-2.0
#include "core/run.hpp"

#include <algorithm>
#include <utility>

#include "core/facts.hpp"
#include "core/quiet.hpp"
#include "core/reviews.hpp"
#include "core/speech.hpp"
#include "core/sums.hpp"
#include "core/timers.hpp"

namespace fairuse::detail {

namespace {

applied take_kind(slot_context& live, const event& what) {
  switch (what.kind) {
    case event_kind::speech:
      take_speech(live, what);
      return applied::accepted;
    case event_kind::stt:
      take_stt(live, what);
      return applied::accepted;
    case event_kind::account:
      return apply_account(live, what);
    case event_kind::conversation:
      read_conversations(live.who, live.out.conversations);
      return apply_conversation(live.who, what);
    case event_kind::review:
      return apply_review(live, what);
    case event_kind::admin:
      return apply_admin(live, what);
    case event_kind::erasure:
      read_conversations(live.who, live.out.conversations);
      return apply_erasure(live, what);
  }
  return applied::accepted;
}

/// What no window reaches any more costs memory alone, but buckets are numbered within 16 bits.
time_ms prune_gap(const policy_set& policies) {
  for (const auto& profile : policies.profiles())
    if ((policies.retention_ms() + 2 * day_ms) / second_ms / profile.bucket_s > UINT16_MAX) return hour_ms;
  return day_ms;
}

/// Does the slot neither count STT, nor refuse or count uploads, while its bounds hold?
bool is_idle(const slot_context& context) {
  const auto* known = context.known();
  const bool restricted = known != nullptr and (known->at != stage::none or known->hard or known->ceiling);
  return not restricted and context.who.sums.quiet(context.slot).exceeded == 0;
}

} // namespace

// A timer moves only where a standing was touched, and most events touch none.
applied take(slot_context& live, const event& what) {
  auto& who = live.who;
  const auto touched_before = std::exchange(who.changed.standings, 0);
  const auto how = take_kind(live, what);
  if (who.changed.standings != 0) who.next_due = next_due(who);
  if (what.kind != event_kind::erasure) who.changed.standings |= touched_before;
  return how;
}

void count(counters& counts, applied how) {
  switch (how) {
    case applied::accepted:
      ++counts.accepted;
      return;
    case applied::duplicate:
      ++counts.duplicates;
      return;
    case applied::stale:
      ++counts.stale;
      return;
    case applied::too_old:
      ++counts.too_old;
      return;
    case applied::future:
      ++counts.future;
      return;
    case applied::erased:
      ++counts.erased;
      return;
    case applied::unknown_strike:
      return; // A dead letter is counted where it is written.
  }
}

void quiet_slots::read(const slot_context& live) {
  auto& sums = live.who.sums;
  until_ = never;
  idle_ = true;
  live_why_ = review_block::none;
  added_max_ms_.assign(live.policies().view_count(), INT64_MAX);
  for (std::size_t slot = 0; slot < live.policies().slot_count(); ++slot) {
    const auto context = live.in_slot(slot);
    if (not context.judges()) continue;
    const auto& bounds = sums.quiet(slot);
    auto& added_max_ms = added_max_ms_[context.spec().view];
    added_max_ms = std::min(added_max_ms, bounds.added_max_ms);
    until_ = std::min({until_, bounds.asks_at, bounds.drains_at});
    idle_ = idle_ and is_idle(context);
    if (slot == 0) live_why_ = bounds.why;
  }
}

run_of_events::run_of_events(user& who, const controls& in_force, const event_columns& run, step_output& out)
  : who_(who), in_force_(in_force), run_(run), out_(out), prunes_every_(prune_gap(*who.sums.policies)) {}

void run_of_events::advance_to(time_ms now) {
  fire_timers(who_, in_force_, now, out_);
  prune(who_, now);
  quiet_.read(live(now));
  advanced_until_ = std::min(now + prunes_every_, who_.next_due);
}

/// Into every profile's buckets, if all slots stay quiet; false: nothing was done.
bool run_of_events::meter_quietly(std::size_t i) {
  const auto& policies = *who_.sums.policies;
  const auto now = run_.now[i];
  const auto instant = run_.instant[i];
  const std::int64_t ms = run_.ms[i];
  const auto from = run_.tag[i].from();
  const bool off = not in_force_.enabled;
  // A bucket that is not kept any more is rare.
  if (now - instant > policies.retention_ms() - 2 * hour_ms) return false;
  const std::span<const metering_profile> profiles = policies.profiles();
  const std::span<const view_spec> views = policies.views();
  for (std::size_t view = 0; view < views.size(); ++view) {
    const auto under = lane_under(profiles[views[view].profile], now, instant, from);
    if (views[view].counts(under, off) and who_.sums.added_ms(view) + ms > quiet_.added_max_ms(view)) return false;
  }
  for (std::size_t profile = 0; ms > 0 and profile < profiles.size(); ++profile) {
    const auto under = lane_under(profiles[profile], now, instant, from);
    add(who_, policies, profile, in_one_bucket(profiles[profile], now, instant, ms), under, off);
  }
  // The live profile is the first one.
  const auto under = lane_under(profiles.front(), now, instant, from);
  out_.counts.moved_to_backfill += under != from;
  out_.counts.metered_ms[static_cast<std::size_t>(under)] += ms;
  if (quiet_.live_why() != review_block::none and policies.live().rules.enforced_lanes[static_cast<std::size_t>(under)])
    count_review_block(out_.counts, quiet_.live_why());
  return true;
}

/// The event writes nothing, in no slot, and changes usage alone; false: nothing was done.
bool run_of_events::take_quietly(std::size_t i) {
  const auto tag = run_.tag[i];
  if (tag.whole()) return false;
  if (tag.kind() == event_kind::conversation) return true;
  if (run_.now[i] >= quiet_.until()) return false;
  if (tag.kind() == event_kind::speech) return (quiet_.idle() or tag.from() != lane::sync) and meter_quietly(i);
  if (not quiet_.idle()) return false;
  stt_ms_ += std::max(0, run_.ms[i]);
  return true;
}

/// Take the event like a single one; does it ask for a review?
bool run_of_events::asks(std::size_t i) {
  const auto written = out_.decisions.size();
  const auto now = run_.now[i];
  const auto what = run_.at(i);
  out_.conversations.last = i;
  auto context = live(now);
  context.cause = &what;
  count(out_.counts, detail::take(context, what));
  quiet_.read(live(now));
  advanced_until_ = std::min(advanced_until_, who_.next_due);
  return out_.asked_since(written);
}

void run_of_events::put_stt() {
  for (auto& each : out_.tallies)
    each.stt_ms += stt_ms_;
  stt_ms_ = 0;
}

std::size_t run_of_events::take(std::size_t first, std::size_t last) {
  auto& unread = out_.conversations;
  if (unread.run != &run_) {
    read_conversations(who_, unread);
    unread.begin(&run_, first);
  }
  auto i = first;
  std::size_t quietly = 0;
  for (bool asked = false; not asked and i < last; ++i) {
    if (run_.now[i] >= advanced_until_) advance_to(run_.now[i]);
    if (take_quietly(i))
      ++quietly;
    else
      asked = asks(i);
  }
  prune(who_, run_.now[i - 1]);
  out_.counts.accepted += quietly;
  unread.last = i;
  put_stt();
  return i;
}

} // namespace fairuse::detail
