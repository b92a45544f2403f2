// SPDX-License-Identifier: Apache-2.0
//
// Sums against caps, hard caps, ceiling and budget.
#include <algorithm>
#include <array>

#include "core/context.hpp"
#include "core/query.hpp"

namespace fairuse::detail {

namespace {

/// What one slot's windows hold at x.at.
struct reading {
  std::array<std::int64_t, windows_max> sums{};
  std::uint8_t exceeded = 0;
  /// Ms that may still be added before another cap can be exceeded.
  std::int64_t headroom = INT64_MAX;
};

reading read_windows(context& x) {
  reading r;
  const auto& rules = x.rules();
  const auto plan = x.u.plan();
  for (std::size_t w = 0; w < rules.windows.size(); ++w) {
    r.sums[w] = x.sum(w);
    const auto room = rules.cap_ms(w, plan) - r.sums[w];
    if (room < 0)
      r.exceeded = static_cast<std::uint8_t>(r.exceeded | (1U << w));
    else
      r.headroom = std::min(r.headroom, room);
  }
  return r;
}

bool hard_caps_hold(const context& x) {
  const auto* rule = x.rules().step_of(x.current_stage());
  return rule != nullptr and rule->hard_caps and not x.u.exempt;
}

/// Restrictions that hold at x.at, and what must drain until they do not.
struct restrictions {
  bool hard = false;
  bool ceiling = false;
  std::int64_t headroom = INT64_MAX;
};

restrictions read_restrictions(context& x) {
  restrictions r;
  const auto& rules = x.rules();
  if (hard_caps_hold(x)) {
    for (std::size_t w = 0; w < rules.windows.size(); ++w) {
      const auto room = x.hard_cap(w) - x.sum(w);
      r.hard |= room < 0;
      if (room >= 0) r.headroom = std::min(r.headroom, room);
    }
  }
  const auto& ceiling = rules.ceiling;
  if (ceiling.cap_ms > 0 and ceiling.refuses_uploads and not x.u.exempt) {
    const auto room = ceiling.cap_ms - 1 - sum_at(x.u, x.spec().ceiling_span, x.at);
    r.ceiling = room < 0;
    if (room >= 0) r.headroom = std::min(r.headroom, room);
  }
  return r;
}

time_ms hard_drains_at(context& x) {
  std::vector<drain_limit> limits;
  for (std::size_t w = 0; w < x.rules().windows.size(); ++w)
    limits.push_back({x.spec().spans[w], x.hard_cap(w)});
  return drains_at(x.u, x.set(), limits, x.at);
}

time_ms ceiling_drains_at(context& x) {
  const drain_limit limit{x.spec().ceiling_span, x.rules().ceiling.cap_ms - 1};
  return drains_at(x.u, x.set(), {&limit, 1}, x.at);
}

/// The sum that holds a restriction, and its cap: the evidence. Of several hard caps the first in window order.
void put_evidence(context& x, restriction_kind kind, decision& d) {
  if (kind == restriction_kind::ceiling) {
    d.sum_ms = sum_at(x.u, x.spec().ceiling_span, x.at);
    d.cap_ms = x.rules().ceiling.cap_ms;
    return;
  }
  for (std::size_t w = 0; w < x.rules().windows.size() and d.sum_ms <= d.cap_ms; ++w) {
    d.sum_ms = x.sum(w);
    d.cap_ms = x.hard_cap(w);
  }
}

void write_restriction(context& x, restriction_kind kind, bool holds, reason why, time_ms drains) {
  auto& d = x.write(holds ? decision_kind::restriction_engaged : decision_kind::restriction_lifted, why);
  d.restriction = kind;
  if (not holds) return;
  put_evidence(x, kind, d);
  const bool until_deadline = kind == restriction_kind::hard and x.rules().retry == hard_retry::deadline;
  d.until = until_deadline ? x.known()->until : drains;
}

/// Note what holds and when it drains; write what changed.
void put_restrictions(context& x, const restrictions& holds, reason engaged, reason lifted) {
  auto& s = x.touch();
  const bool hard_changed = s.hard != holds.hard;
  const bool ceiling_changed = s.ceiling != holds.ceiling;
  s.hard = holds.hard;
  s.ceiling = holds.ceiling;
  const auto hard_drains = s.hard ? hard_drains_at(x) : never;
  const auto ceiling_drains = s.ceiling ? ceiling_drains_at(x) : never;
  s.drain_due = std::min(hard_drains, ceiling_drains);
  if (hard_changed) write_restriction(x, restriction_kind::hard, s.hard, s.hard ? engaged : lifted, hard_drains);
  if (ceiling_changed)
    write_restriction(x, restriction_kind::ceiling, s.ceiling, s.ceiling ? reason::ceiling_reached : lifted,
                      ceiling_drains);
}

/// Enough for what leaves a window in an hour of speech; a walk over days of excess would be repeated too often.
constexpr std::uint32_t drain_entries_max = 64;

/// When the first exceeded window is back at its cap if no more speech comes: until then it stays exceeded. May be
/// early.
time_ms first_drain(context& x, std::uint8_t exceeded) {
  auto first = never;
  for (std::size_t w = 0; w < x.rules().windows.size(); ++w) {
    if ((exceeded >> w & 1) == 0) continue;
    const drain_limit limit{x.spec().spans[w], x.rules().cap_ms(w, x.u.plan())};
    const auto& running = x.u.sums.span(limit.span);
    first = std::min(first, drains_from(x.u, x.set(), limit, running.tail, running.sum, x.at, drain_entries_max));
  }
  return first;
}

/// Note until when nothing new can follow from speech in this slot.
void watch(context& x, const reading& r) {
  const auto room = std::min(r.headroom, read_restrictions(x).headroom);
  auto& watched = x.u.sums.watch(x.slot);
  watched.odometer_max = room == INT64_MAX ? INT64_MAX : x.u.sums.odometer(x.spec().view) + room;
  const auto asking = r.exceeded != 0 ? may_ask(x) : asking_state{quiet_reason::none, never};
  watched.why = asking.held_back;
  watched.asks_at = asking.next;
  // More speech only delays a drain, so a walk over the buckets holds good until its instant has come.
  if (watched.exceeded != r.exceeded or watched.drains_at <= x.at) watched.drains_at = first_drain(x, r.exceeded);
  watched.exceeded = r.exceeded;
}

} // namespace

void lift_drained(context& x) {
  const auto& before = *x.known();
  auto holds = read_restrictions(x);
  holds.hard &= before.hard;
  holds.ceiling &= before.ceiling;
  put_restrictions(x, holds, reason::none, reason::drained);
}

void refresh_restrictions(context& x, reason engaged, reason lifted) {
  const auto* before = x.known();
  const bool was_hard = before != nullptr and before->hard;
  const bool was_ceiling = before != nullptr and before->ceiling;
  const auto now_holds = read_restrictions(x);
  if (not was_hard and not was_ceiling and not now_holds.hard and not now_holds.ceiling) {
    if (before != nullptr and before->drain_due != never) x.touch().drain_due = never;
    return;
  }
  // Speech only delays a drain: the stored due may then be early, and is exact again when it fires.
  const bool unchanged = was_hard == now_holds.hard and was_ceiling == now_holds.ceiling;
  if (unchanged and engaged == reason::cap_exceeded and before->drain_due > x.at) return;
  put_restrictions(x, now_holds, engaged, lifted);
}

void evaluate(context& x, const event& e) {
  const auto& profile = x.set().profiles()[x.set().views()[x.spec().view].profile];
  const auto from = lane_under(profile, x.at, e);
  const auto& rules = x.rules();
  if (not rules.enforced_lanes[static_cast<std::size_t>(from)]) return;
  spread(profile, x.at, e, x.out);
  const auto r = read_windows(x);
  for (std::size_t w = 0; w < rules.windows.size(); ++w) {
    if ((r.exceeded >> w & 1) == 0) continue;
    const auto first = first_counted(x.at, rules.windows[w].span_ms / second_ms, profile.bucket_s);
    std::int64_t from_this = 0;
    for (const auto& what : x.out.added_scratch)
      from_this += what.bucket >= first ? what.ms : 0;
    const auto cap = rules.cap_ms(w, x.u.plan());
    if (r.sums[w] - from_this > cap) continue;
    auto& d = x.write(decision_kind::cap_crossed, reason::cap_exceeded);
    d.window = static_cast<std::uint8_t>(w);
    d.sum_ms = r.sums[w];
    d.cap_ms = cap;
  }
  refresh_restrictions(x, reason::cap_exceeded, reason::usage_restored);
  if (r.exceeded != 0) ask_review(x, r.exceeded);
  watch(x, r);
}

bool exceeds(context& x) {
  const auto& watched = x.u.sums.watch(x.slot);
  if (watched.quiet(x.u.sums.odometer(x.spec().view), x.at)) return watched.exceeded != 0;
  return read_windows(x).exceeded != 0;
}

bool budget_tracked(context& x) {
  const auto& budget = x.rules().budget;
  if (budget.per_utc_day_ms <= 0 or not x.judges()) return false;
  return x.current_stage() == budget.at or (budget.track_from_trigger and exceeds(x));
}

bool budget_blocks(const context& x) {
  const auto* s = x.known();
  const auto& budget = x.rules().budget;
  return s != nullptr and budget.per_utc_day_ms > 0 and s->at == budget.at and s->utc_day == utc_day(x.at)
         and s->used_ms >= budget.per_utc_day_ms;
}

void charge(context& x, const event& e, std::int64_t ms) {
  if (ms <= 0) return;
  const auto today = utc_day(x.at);
  if (utc_day(e.instant) < today) {
    x.out.counts.stt_of_earlier_day += x.spec().kind == slot_kind::live;
    return;
  }
  auto& s = x.touch();
  if (s.utc_day != today) {
    s.utc_day = today;
    s.used_ms = 0;
    s.exhausted = false;
  }
  s.used_ms += ms;
  refresh_exhausted(x);
}

void refresh_exhausted(context& x) {
  const auto* s = x.known();
  const bool blocks = budget_blocks(x);
  if (s == nullptr or s->exhausted == blocks) return;
  x.touch().exhausted = blocks;
  if (not blocks) return; // stage_changed or budget_reset says so already
  auto& d = x.write(decision_kind::budget_exhausted, reason::budget_spent);
  d.sum_ms = s->used_ms;
  d.cap_ms = x.rules().budget.per_utc_day_ms;
  d.until = (utc_day(x.at) + 1) * day_ms;
}

void reset_budget(context& x) {
  auto& s = x.touch();
  auto& d = x.write(decision_kind::budget_reset, reason::budget_day_over);
  d.sum_ms = s.used_ms;
  d.cap_ms = x.rules().budget.per_utc_day_ms;
  s.utc_day = utc_day(x.at);
  s.used_ms = 0;
  s.exhausted = false;
}

} // namespace fairuse::detail
