// SPDX-License-Identifier: Apache-2.0
#include "core/sums.hpp"

#include <algorithm>

#include "core/context.hpp"

namespace fairuse {

namespace detail {

namespace {

constexpr std::int64_t seconds_of_hour = 3600;

void note_bucket(user& u, bucket_index bucket, std::int32_t bucket_s) {
  if (not u.changed.track) return;
  note_once(u.changed.bucket_hours, static_cast<hour_number>(bucket * bucket_s / seconds_of_hour));
}

/// One bucket's worth of speech into the log and into every sum over it.
void add(user& u, const policy_set& set, std::size_t profile, const added_speech& what, lane from, bool while_off) {
  auto& log = u.metered[profile];
  const auto size_before = log.size();
  log.add(what.bucket, from, while_off, what.ms);
  const auto inserted = log.size() - size_before;
  const auto lane_bit = 1U << static_cast<unsigned>(from);
  for (std::size_t i = 0; i < set.spans().size(); ++i) {
    const auto& view = set.views()[set.spans()[i].view];
    if (view.profile != profile) continue;
    auto& s = u.sums.span(i);
    if (what.bucket < s.first)
      s.tail += inserted;
    else if ((view.lanes & lane_bit) != 0 and (view.counts_off or not while_off))
      s.sum += what.ms;
  }
  for (std::size_t v = 0; v < set.views().size(); ++v) {
    const auto& view = set.views()[v];
    if (view.profile == profile and (view.lanes & lane_bit) != 0 and (view.counts_off or not while_off))
      u.sums.odometer(v) += what.ms;
  }
  note_bucket(u, what.bucket, set.profiles()[profile].bucket_s);
}

/// Buckets are kept by whole hours, as they are written down. What is in memory of an hour must follow from `now`
/// alone: an edge that moved with every bucket would have an hour written without what it lost since somebody came
/// back.
bucket_index first_kept(const policy_set& set, std::int32_t bucket_s, time_ms now) {
  const auto hour_s = hour_of(now - set.retention_ms()) * seconds_of_hour;
  return (hour_s + bucket_s - 1) / bucket_s;
}

/// Never below 0: an epoch before 1970 has no buckets.
std::uint32_t first_bucket(const policy_set& set, const span_spec& spec, time_ms at) {
  const auto bucket_s = set.profiles()[set.views()[spec.view].profile].bucket_s;
  return static_cast<std::uint32_t>(std::max<bucket_index>(0, first_counted(at, spec.span_s, bucket_s)));
}

void rebuild_sums(user& u, const policy_set& set, time_ms now) {
  u.sums.reset(set);
  for (std::size_t i = 0; i < set.spans().size(); ++i) {
    const auto& spec = set.spans()[i];
    const auto& view = set.views()[spec.view];
    const auto& log = u.metered[view.profile];
    auto& s = u.sums.span(i);
    s.first = first_bucket(set, spec, now);
    s.tail = log.lower_bound(s.first);
    for (auto p = s.tail; p < log.size(); ++p)
      if (log.counts(p, view)) s.sum += log.ms_at(p);
  }
}

} // namespace

std::int64_t sum_at(user& u, std::size_t span, time_ms at) {
  const auto& set = *u.sums.policies;
  const auto& spec = set.spans()[span];
  const auto& view = set.views()[spec.view];
  auto& s = u.sums.span(span);
  const auto first = first_bucket(set, spec, at);
  if (first > s.first) {
    const auto& log = u.metered[view.profile];
    for (; s.tail < log.size() and log.bucket_at(s.tail) < first; ++s.tail)
      if (log.counts(s.tail, view)) s.sum -= log.ms_at(s.tail);
    s.first = first;
  }
  return s.sum;
}

lane lane_under(const metering_profile& profile, time_ms now, const event& e) {
  const bool late = profile.fresh_within_ms > 0 and now - e.instant > profile.fresh_within_ms;
  return late ? lane::backfill : e.from;
}

void spread(const metering_profile& profile, time_ms now, const event& e, step_output& out) {
  auto& added = out.added_scratch;
  added.clear();
  const bool segmented = e.detail != nullptr and std::holds_alternative<speech_segments>(*e.detail);
  if (not segmented or profile.basis == time_basis::arrival) {
    const auto total = segmented ? speech_ms(e, out.spoken_scratch) : e.ms;
    const auto at = profile.basis == time_basis::arrival ? now : e.time;
    if (total > 0) added.push_back({bucket_of(at, profile.bucket_s), total});
    return;
  }
  unite(e, out.spoken_scratch);
  const auto length = profile.bucket_s * second_ms;
  for (const auto& part : out.spoken_scratch) {
    for (auto begin = part.begin; begin < part.end;) {
      const auto bucket = bucket_of(begin, profile.bucket_s);
      const auto end = std::min(part.end, (bucket + 1) * length);
      if (not added.empty() and added.back().bucket == bucket)
        added.back().ms += end - begin;
      else
        added.push_back({bucket, end - begin});
      begin = end;
    }
  }
}

void meter(user& u, const controls& c, time_ms now, const event& e, step_output& out) {
  const auto& set = *u.sums.policies;
  for (std::size_t p = 0; p < set.profiles().size(); ++p) {
    const auto& profile = set.profiles()[p];
    const auto from = lane_under(profile, now, e);
    spread(profile, now, e, out);
    const auto first = first_kept(set, profile.bucket_s, now);
    for (const auto& what : out.added_scratch)
      if (what.bucket >= first) add(u, set, p, what, from, not c.enabled);
    if (p != 0) continue;
    // The live profile is the first one, and the one whose figures are reported.
    if (from != e.from) ++out.counts.moved_to_backfill;
    for (const auto& what : out.added_scratch)
      out.counts.metered_ms[static_cast<std::size_t>(from)] += what.ms;
  }
}

void prune(user& u, time_ms now) {
  const auto hour = hour_of(now);
  if (hour == u.pruned_hour) return;
  u.pruned_hour = hour;
  const auto& set = *u.sums.policies;
  // Tails must be past whatever goes away.
  for (std::size_t i = 0; i < set.spans().size(); ++i)
    sum_at(u, i, now);
  for (std::size_t p = 0; p < u.metered.size(); ++p) {
    const auto gone = u.metered[p].prune(first_kept(set, set.profiles()[p].bucket_s, now));
    if (gone == 0) continue;
    for (std::size_t i = 0; i < set.spans().size(); ++i)
      if (set.views()[set.spans()[i].view].profile == p) u.sums.span(i).tail -= gone;
  }
  // An hour that is not written down yet must stay: the store would answer without its newest ids.
  auto first_id_hour = hour_of(now - set.id_memory_ms());
  for (const auto unwritten : u.changed.id_hours)
    first_id_hour = std::min(first_id_hour, unwritten);
  u.ids.prune(first_id_hour);
}

} // namespace detail

namespace {

/// Buckets follow their profile, standings their slot's name.
void move_to_set(user& u, const policy_set& from, const policy_set& to) {
  std::vector<bucket_log> metered(to.profiles().size());
  for (std::size_t p = 0; p < from.profiles().size(); ++p)
    for (std::size_t q = 0; q < metered.size(); ++q)
      if (to.profiles()[q] == from.profiles()[p]) metered[q] = std::move(u.metered[p]);
  u.metered = std::move(metered);
  std::vector<std::unique_ptr<standing>> standings(u.standings.empty() ? 0 : to.slots().size());
  std::uint64_t changed = 0;
  for (std::size_t i = 0; i < u.standings.size(); ++i) {
    const auto slot = to.slot_named(from.slots()[i].label.slot);
    if (slot < 0) continue;
    standings[static_cast<std::size_t>(slot)] = std::move(u.standings[i]);
    changed |= (u.changed.standings >> i & 1) << slot;
  }
  u.standings = std::move(standings);
  u.changed.standings = changed;
}

/// Other rules may hold a restriction for longer or shorter: the drain timer looks at it `now`.
void recheck_restrictions(user& u, time_ms now) {
  for (const auto& s : u.standings)
    if (s and (s->hard or s->ceiling)) s->drain_due = now;
}

time_ms earliest_due(const user& u) {
  auto first = never;
  for (const auto& s : u.standings)
    if (s) first = std::min(first, detail::next_due(*s));
  return first;
}

} // namespace

void bind(user& u, const policy_set& policies, time_ms now) {
  const auto* old = u.sums.policies;
  if (old == &policies) return;
  if (old != nullptr) {
    move_to_set(u, *old, policies);
    recheck_restrictions(u, now);
  }
  u.metered.resize(policies.profiles().size());
  if (not u.standings.empty()) u.standings.resize(policies.slots().size());
  u.next_due = earliest_due(u);
  // Sums only move forward, and a timer that is due before `now` fires with the sums of its own instant.
  detail::rebuild_sums(u, policies, std::min(now, u.next_due));
}

} // namespace fairuse
