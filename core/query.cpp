// SPDX-License-Identifier: Apache-2.0
#include "core/query.hpp"

#include <algorithm>

#include "core/context.hpp"

namespace fairuse {

namespace {

/// Sum of a span at `at`, without touching the running sums.
std::int64_t look_sum(const user& u, const policy_set& set, std::size_t span, time_ms at) {
  const auto& spec = set.spans()[span];
  const auto& view = set.views()[spec.view];
  const auto& log = u.metered[view.profile];
  const auto first = first_counted(at, spec.span_s, set.profiles()[view.profile].bucket_s);
  std::int64_t sum = 0;
  for (auto p = log.lower_bound(first); p < log.size(); ++p)
    if (log.counts(p, view)) sum += log.ms_at(p);
  return sum;
}

} // namespace

time_ms detail::drains_from(const user& u, const policy_set& set, const drain_limit& limit, std::uint32_t p,
                            std::int64_t sum, time_ms now, std::uint32_t entries_max) {
  const auto& spec = set.spans()[limit.span];
  const auto& view = set.views()[spec.view];
  const auto& log = u.metered[view.profile];
  const auto bucket_s = set.profiles()[view.profile].bucket_s;
  const auto last = log.size() - p > entries_max ? p + entries_max : log.size();
  auto at = now;
  while (sum > limit.limit_ms and p < last) {
    const auto bucket = log.bucket_at(p);
    for (; p < log.size() and log.bucket_at(p) == bucket; ++p)
      if (log.counts(p, view)) sum -= log.ms_at(p);
    at = leaves_at(bucket, spec.span_s, bucket_s);
  }
  return at;
}

namespace {

time_ms drains_one(const user& u, const policy_set& set, const drain_limit& limit, time_ms now) {
  const auto& spec = set.spans()[limit.span];
  const auto profile = set.views()[spec.view].profile;
  const auto first = first_counted(now, spec.span_s, set.profiles()[profile].bucket_s);
  return detail::drains_from(u, set, limit, u.metered[profile].lower_bound(first), look_sum(u, set, limit.span, now),
                             now);
}

void look_windows(const user& u, const policy_set& set, time_ms at, bool judges, standing_view& v) {
  const auto& rules = v.slot->rules;
  for (std::size_t w = 0; w < rules.windows.size(); ++w) {
    window_view window;
    window.sum_ms = look_sum(u, set, v.slot->spans[w], at);
    window.cap_ms = rules.cap_ms(w, u.plan());
    window.exceeded = judges and window.sum_ms > window.cap_ms;
    v.windows.push_back(window);
  }
}

void look_restrictions(const user& u, const policy_set& set, time_ms at, standing_view& v) {
  const auto& rules = v.slot->rules;
  const auto* rule = rules.step_of(v.at);
  std::vector<drain_limit> limits;
  if (rule != nullptr and rule->hard_caps) {
    for (std::size_t w = 0; w < rules.windows.size(); ++w) {
      const auto cap = rules.hard == hard_caps::plan ? v.windows[w].cap_ms : rules.windows[w].cap_ms;
      v.hard_restricted |= v.windows[w].sum_ms > cap;
      limits.push_back({v.slot->spans[w], cap});
    }
  }
  if (v.hard_restricted) v.retry_at = rules.retry == hard_retry::deadline ? v.until : drains_at(u, set, limits, at);
  const auto& ceiling = rules.ceiling;
  v.ceiling =
      ceiling.cap_ms > 0 and ceiling.refuses_uploads and look_sum(u, set, v.slot->ceiling_span, at) >= ceiling.cap_ms;
  if (v.ceiling and not v.hard_restricted) {
    const drain_limit limit{v.slot->ceiling_span, ceiling.cap_ms - 1};
    v.retry_at = drains_at(u, set, {&limit, 1}, at);
  }
}

void look_budget(const standing* s, time_ms at, bool judges, standing_view& v) {
  const auto& budget = v.slot->rules.budget;
  v.budget.limit_ms = budget.per_utc_day_ms;
  if (budget.per_utc_day_ms <= 0) return;
  const auto today = detail::utc_day(at);
  if (s != nullptr and s->utc_day == today) v.budget.used_ms = s->used_ms;
  const bool exceeded = std::any_of(v.windows.begin(), v.windows.end(), [](const auto& w) { return w.exceeded; });
  v.budget.tracked = judges and (v.at == budget.at or (budget.track_from_trigger and exceeded));
  v.budget.exhausted = v.budget.used_ms >= budget.per_utc_day_ms;
  v.budget.resets_at = (today + 1) * day_ms;
}

} // namespace

standing_view look(const user& u, const controls& c, std::size_t slot, time_ms at) {
  const auto& set = *c.policies;
  standing_view v;
  v.slot = &set.slots()[slot];
  const auto* s = u.standings.empty() ? nullptr : u.standings[slot].get();
  v.details = s;
  if (s != nullptr) {
    v.at = s->at;
    v.since = s->since;
    v.until = s->until;
    v.strikes_7d = detail::strikes_since(*s, at - 7 * day_ms);
    v.strikes_30d = detail::strikes_since(*s, at - 30 * day_ms);
    v.content_locked = s->locked;
    v.pending_request = s->pending;
    v.cooldown_until = s->cooldown_until;
    v.next_due = detail::next_due(*s);
  }
  const bool judges = detail::judges(u, c, v.slot->kind);
  look_windows(u, set, at, judges, v);
  if (judges) look_restrictions(u, set, at, v);
  look_budget(s, at, judges, v);
  return v;
}

time_ms drains_at(const user& u, const policy_set& policies, std::span<const drain_limit> limits, time_ms now) {
  auto last = now;
  for (const auto& limit : limits)
    last = std::max(last, drains_one(u, policies, limit, now));
  return last;
}

} // namespace fairuse
