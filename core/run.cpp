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

applied take_kind(slot_context& live, const event& what, std::span<const slot_number> slots) {
  switch (what.kind) {
    case event_kind::speech:
      take_speech(live, what, slots);
      return applied::accepted;
    case event_kind::stt:
      take_stt(live, what, slots);
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
  constexpr auto gap = 4 * day_ms;
  for (const auto& profile : policies.profiles())
    if ((policies.retention_ms() + gap + day_ms) / second_ms / profile.bucket_s > UINT16_MAX) return hour_ms;
  return gap;
}

void count_stt(step_output& out, std::int64_t ms) {
  for (auto& each : out.tallies)
    each.stt_ms += ms;
}

} // namespace

// A timer moves only where a standing or the end of an exemption did, and most events touch none.
applied take(slot_context& live, const event& what, std::span<const slot_number> slots) {
  auto& who = live.who;
  const auto touched_before = std::exchange(who.changed.standings, 0);
  const auto exempt_until_before = who.exempt_until;
  const auto how = take_kind(live, what, slots);
  if (who.changed.standings != 0 or who.exempt_until != exempt_until_before) who.next_due = next_due(who);
  if (what.kind != event_kind::erasure) who.changed.standings |= touched_before;
  return how;
}

applied take(slot_context& live, const event& what) {
  if (what.kind == event_kind::stt and what.ms > 0) count_stt(live.out, what.ms);
  return take(live, what, live.policies().every_slot());
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
    case applied::past_until:
    case applied::no_appeal:
      return; // A dead letter is counted where it is written.
  }
}

run_of_events::run_of_events(user& who, const controls& in_force, const event_columns& run, step_output& out)
  : who_(who), in_force_(in_force), run_(run), out_(out), prunes_every_(prune_gap(*who.sums.policies)) {
  for (const auto& each : who.sums.policies->profiles())
    profiles_.push_back({each.fresh_within_ms > 0 ? each.fresh_within_ms : INT64_MAX, each.basis == time_basis::arrival,
                         each.bucket_s * second_ms});
  for (const auto& each : who.sums.policies->views())
    views_.push_back({each.profile, each.counts_off or in_force.enabled ? each.lanes : std::uint8_t{0}, -1});
}

void run_of_events::advance_to(time_ms now) {
  close_buckets();
  fire_timers(who_, in_force_, now, out_);
  prune(who_, now);
  quiet_.read(live(now));
  advanced_until_ = now + prunes_every_;
  read_bounds();
}

void run_of_events::read_bounds() {
  for (std::size_t view = 0; view < views_.size(); ++view) {
    const auto most_ms = quiet_.added_max_ms(view);
    const auto added_ms = who_.sums.added_ms(view);
    views_[view].left_ms = most_ms < added_ms ? -1 : most_ms - added_ms;
  }
  advanced_until_ = std::min(advanced_until_, who_.next_due);
}

void run_of_events::close_bucket(profile_at_hand& profile) {
  if (profile.ms == 0) return;
  const auto number = static_cast<std::size_t>(&profile - profiles_.data());
  add(who_, *who_.sums.policies, number, {profile.bucket, profile.ms}, profile.from, not in_force_.enabled);
  profile.ms = 0;
}

void run_of_events::close_buckets() {
  for (auto& profile : profiles_)
    close_bucket(profile);
}

void run_of_events::open_bucket(profile_at_hand& profile, time_ms at) {
  close_bucket(profile);
  // Most speech follows in the next bucket, and a division takes as long as all else.
  const auto next = profile.end + profile.bucket_ms;
  const bool follows = at >= profile.end and at < next and profile.end > 0;
  profile.bucket = follows ? profile.bucket + 1 : at / profile.bucket_ms;
  profile.begin = profile.bucket * profile.bucket_ms;
  profile.end = profile.begin + profile.bucket_ms;
  profile.from = profile.under;
}

/// Into every profile's buckets, if all slots stay quiet; false: nothing was done.
inline bool run_of_events::meter_quietly(std::size_t i) {
  const auto now = run_.now[i];
  const auto instant = run_.instant[i];
  const std::int64_t ms = run_.ms[i];
  const auto from = run_.tag[i].from();
  const auto late_ms = now - instant;
  const std::span<profile_at_hand> profiles = profiles_;
  const std::span<view_at_hand> views = views_;
  // A bucket that is not kept any more is rare.
  if (late_ms > who_.sums.policies->retention_ms() - 2 * hour_ms) return false;
  for (auto& profile : profiles)
    profile.under = late_ms > profile.fresh_within_ms ? lane::backfill : from;
  for (const auto& view : views)
    if (ms > view.left_ms and view.counts(profiles[view.profile].under)) return false;
  for (auto& view : views)
    if (view.counts(profiles[view.profile].under)) view.left_ms -= ms;
  for (auto& profile : profiles) {
    if (ms <= 0) break;
    const auto at = profile.by_arrival ? now : instant;
    if (at < profile.begin or at >= profile.end or profile.under != profile.from) open_bucket(profile, at);
    profile.ms += ms;
  }
  // The live profile is the first one.
  const auto under = profiles.front().under;
  out_.counts.moved_to_backfill += under != from;
  out_.counts.metered_ms[static_cast<std::size_t>(under)] += ms;
  if (quiet_.live_why() != review_block::none
      and who_.sums.policies->live().rules.enforced_lanes[static_cast<std::size_t>(under)])
    count_review_block(out_.counts, quiet_.live_why());
  return true;
}

/// Entries from `first` on that write nothing, in no slot, and change usage alone; the number of the first other one.
std::size_t run_of_events::pass_quietly(std::size_t first, std::size_t last) {
  const auto until = std::min(quiet_.until(), advanced_until_);
  const bool idle = quiet_.idle();
  auto i = first;
  for (; i < last; ++i) {
    const auto tag = run_.tag[i];
    if (tag.whole()) break;
    if (run_.now[i] >= until) {
      if (tag.kind() == event_kind::conversation and run_.now[i] < advanced_until_) continue;
      break;
    }
    if (tag.kind() == event_kind::speech) {
      if ((not idle and tag.from() == lane::sync) or not meter_quietly(i)) break;
    } else if (tag.kind() == event_kind::stt) {
      if (not idle) break;
      stt_ms_ += std::max(0, run_.ms[i]);
    }
  }
  out_.counts.accepted += i - first;
  return i;
}

/// In slots_.
void run_of_events::find_slots(std::size_t i) {
  const auto& policies = *who_.sums.policies;
  const auto now = run_.now[i];
  const auto tag = run_.tag[i];
  slots_.clear();
  quiet_.due(now, slots_);
  if (tag.kind() == event_kind::stt or tag.from() == lane::sync) quiet_.busy(slots_);
  if (tag.kind() == event_kind::speech)
    for (std::size_t view = 0; view < views_.size(); ++view) {
      const auto& of = policies.views()[view];
      const auto under = lane_under(policies.profiles()[of.profile], now, run_.instant[i], tag.from());
      if (of.counts(under, not in_force_.enabled)) quiet_.crossed(view, who_.sums.added_ms(view) + run_.ms[i], slots_);
    }
  std::sort(slots_.begin(), slots_.end());
  slots_.erase(std::unique(slots_.begin(), slots_.end()), slots_.end());
}

/// Speech or STT in the columns.
void run_of_events::take_flat(std::size_t i, slot_context& context, const event& what) {
  find_slots(i);
  count(out_.counts, detail::take(context, what, slots_));
  if (what.kind == event_kind::stt)
    stt_ms_ += std::max(0, what.ms);
  else if (const auto why = quiet_.live_why(); why != review_block::none and (slots_.empty() or slots_.front() != 0))
    count_quiet_excess(context, why);
  quiet_.read(context, slots_);
}

/// Take the event like a single one; does it ask for a review?
bool run_of_events::asks(std::size_t i) {
  close_buckets();
  const auto written = out_.decisions.size();
  const auto what = run_.at(i);
  out_.conversations.last = i;
  auto context = live(run_.now[i]);
  context.cause = &what;
  if (run_.tag[i].whole()) {
    count(out_.counts, detail::take(context, what));
    quiet_.read(context);
  } else {
    take_flat(i, context, what);
  }
  read_bounds();
  return out_.asked_since(written);
}

std::size_t run_of_events::take(std::size_t first, std::size_t last) {
  auto& unread = out_.conversations;
  if (unread.run != &run_) {
    read_conversations(who_, unread);
    unread.begin(&run_, first);
  }
  auto i = first;
  for (bool asked = false; not asked and i < last;) {
    if (run_.now[i] >= advanced_until_) advance_to(run_.now[i]);
    i = pass_quietly(i, last);
    if (i < last and run_.now[i] < advanced_until_) asked = asks(i++);
  }
  close_buckets();
  prune(who_, run_.now[i - 1]);
  unread.last = i;
  count_stt(out_, stt_ms_);
  stt_ms_ = 0;
  return i;
}

} // namespace fairuse::detail
