// SPDX-License-Identifier: Apache-2.0
//
// Strikes, stages and their ends. The stage is a fold over marks and timers: it is kept, and can be recomputed.
#include <algorithm>

#include "core/context.hpp"

namespace fairuse::detail {

namespace {

constexpr std::int64_t marks_kept_ms = 90 * day_ms;

time_ms end_from(const step_rule* rule, time_ms begin) {
  return rule != nullptr and rule->ends_after_ms > 0 ? begin + rule->ends_after_ms : never;
}

stage falls_to(const policy& rules, stage at) {
  const auto* rule = rules.step_of(at);
  return rule != nullptr ? rule->falls_to : stage::none;
}

/// A stage and its end while a history is folded.
struct folded {
  stage at = stage::none;
  time_ms until = never;
  void enter(const policy& rules, stage to, time_ms begin) {
    at = to;
    until = end_from(rules.step_of(to), begin);
  }
  /// Let ends pass whose timers were due at or before `instant`.
  void pass_ends(const policy& rules, time_ms instant) {
    while (until != never and until < instant)
      enter(rules, falls_to(rules, at), until + 1);
  }
};

std::uint32_t count_strikes(const mark* begin, const mark* end, time_ms from) {
  return static_cast<std::uint32_t>(std::count_if(
      begin, end, [from](const mark& m) { return m.strike and m.cleared == reason::none and m.at >= from; }));
}

folded fold_marks(const policy& rules, const std::vector<mark>& marks, time_ms now) {
  folded f;
  for (const auto& m : marks) {
    f.pass_ends(rules, m.at);
    switch (m.kind) {
      case mark_kind::verdict: {
        const auto* next = rules.step_after(f.at);
        if (m.cleared != reason::none or not m.qualifying or next == nullptr) break;
        if (next->strikes == 0 or count_strikes(marks.data(), &m, m.at - next->within_ms) >= next->strikes)
          f.enter(rules, next->at, m.at);
        break;
      }
      case mark_kind::admin_stage:
        f.at = m.to;
        f.until = m.end;
        break;
      case mark_kind::reset:
      case mark_kind::upgrade:
        f = {};
        break;
    }
  }
  f.pass_ends(rules, now);
  return f;
}

void drop_old_marks(standing& s, time_ms now) {
  if (s.at != stage::none or s.since > now - marks_kept_ms) return;
  std::erase_if(s.marks, [now](const mark& m) { return m.at < now - marks_kept_ms; });
}

/// Change stage and end, write stage_changed, and whatever follows from where the user now stands.
void move_to(context& x, stage to, time_ms until, reason why, usage_type type, std::string_view who,
             std::string_view note) {
  auto& s = x.touch();
  const auto from = s.at;
  s.at = to;
  if (from != to) s.since = x.at;
  s.until = until;
  x.u.sums.wake(x.slot);
  auto& d = x.write(decision_kind::stage_changed, why);
  d.from = from;
  d.to = to;
  d.until = until;
  d.type = type;
  d.who = who;
  d.note = note;
  const auto* rule = x.rules().step_of(to);
  if (to > from and rule != nullptr and rule->notify) {
    auto& n = x.write(decision_kind::notification, why);
    n.from = from;
    n.to = to;
    n.until = until;
    n.words = type == usage_type::free_exhausted ? wording::credits : wording::misuse;
  }
  refresh_restrictions(x, reason::stage_reached, why);
  refresh_exhausted(x);
}

} // namespace

std::uint32_t strikes_since(const standing& s, time_ms from) {
  return count_strikes(s.marks.data(), s.marks.data() + s.marks.size(), from);
}

void add_mark(context& x, mark m) {
  auto& s = x.touch();
  drop_old_marks(s, x.at);
  m.at = x.at;
  m.cause = x.cause;
  m.policy_digest = x.spec().label.digest;
  s.marks.push_back(std::move(m));
}

void enter_stage(context& x, stage to, reason why, usage_type type, std::string_view who, std::string_view note) {
  move_to(x, to, end_from(x.rules().step_of(to), x.at), why, type, who, note);
}

void finish_review(context& x, const verdict& v) {
  auto& s = x.touch();
  x.u.sums.wake(x.slot);
  const auto& rules = x.rules();
  s.failures = 0;
  s.retry_until = INT64_MIN;
  const bool clears = rules.review.cleared_below_nano > 0 and v.score_nano < rules.review.cleared_below_nano;
  s.cooldown_until = v.asked_at + (clears ? rules.review.cleared_cooldown_ms : rules.review.cooldown_ms);
  mark m;
  m.qualifying = v.score_nano >= rules.review.score_gate_nano;
  m.strike = m.qualifying or rules.counts == strike_basis::finished_reviews;
  m.type = v.type;
  m.score_nano = v.score_nano;
  m.request = v.request;
  const auto* next = rules.step_after(s.at);
  const bool steps = m.qualifying and next != nullptr
                     and (next->strikes == 0 or strikes_since(s, x.at - next->within_ms) >= next->strikes);
  const auto to = steps ? next->at : s.at;
  auto& d = x.write(m.strike ? decision_kind::strike_added : decision_kind::review_cleared, v.why);
  d.prior_7d = strikes_since(s, x.at - 7 * day_ms);
  d.prior_30d = strikes_since(s, x.at - 30 * day_ms);
  d.request = v.request;
  d.scored = true;
  d.qualifying = m.qualifying;
  d.score_nano = v.score_nano;
  d.type = v.type;
  d.from = m.from = s.at;
  d.to = m.to = to;
  d.until = m.end = steps ? end_from(next, x.at) : s.until;
  if (m.strike) d.strike = m.number = ++s.last_strike;
  add_mark(x, std::move(m));
  if (not steps) return;
  s.last_change_free = v.type == usage_type::free_exhausted;
  enter_stage(x, to, v.why, v.type);
}

void end_stage(context& x) { enter_stage(x, falls_to(x.rules(), x.current_stage()), reason::stage_ended); }

bool clear_strike(context& x, mark& m, reason why, std::string_view who, std::string_view note) {
  if (not m.strike or m.cleared != reason::none) return false;
  x.touch();
  m.cleared = why;
  auto& d = x.write(decision_kind::strike_cleared, why);
  d.strike = m.number;
  d.type = m.type;
  d.scored = true;
  d.score_nano = m.score_nano;
  d.who = who;
  d.note = note;
  return true;
}

void refold(context& x, reason why, std::string_view who, std::string_view note) {
  auto& s = x.touch();
  const auto f = fold_marks(x.rules(), s.marks, x.at);
  if (f.at != s.at or f.until != s.until) move_to(x, f.at, f.until, why, usage_type::none, who, note);
}

} // namespace fairuse::detail
