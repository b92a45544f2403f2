// SPDX-License-Identifier: Apache-2.0
#include "core/ladder.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "core/budget.hpp"
#include "core/limits.hpp"

namespace fairuse::detail {

namespace {

constexpr std::int64_t marks_kept_ms = 90 * day_ms;

std::uint32_t count_strikes(std::span<const mark> marks, time_ms from) {
  return static_cast<std::uint32_t>(std::count_if(marks.begin(), marks.end(), [from](const mark& each) {
    return each.strike and each.cleared == reason::none and each.at >= from;
  }));
}

/// The step that a qualifying verdict at `instant` leads to: one at a time, and only after as many strikes before it as
/// the step asks for. nullptr: it stays.
const step_rule* step_reached(const policy& rules, stage from, std::span<const mark> before, time_ms instant) {
  const auto* next = rules.step_after(from);
  if (next == nullptr or next->strikes == 0) return next;
  return count_strikes(before, instant - next->within_ms) >= next->strikes ? next : nullptr;
}

/// A stage and its end while a history is folded.
struct folded_stage {
  stage at = stage::none;
  time_ms until = never;
  void enter(const policy& rules, stage to, time_ms begin) {
    at = to;
    until = rules.stage_end(to, begin);
  }
  /// Let ends pass whose timers were due at or before `instant`.
  void pass_ends(const policy& rules, time_ms instant) {
    while (until != never and until < instant)
      enter(rules, rules.falls_to(at), until + 1);
  }
};

folded_stage fold_marks(const policy& rules, std::span<const mark> marks, time_ms now) {
  folded_stage folded;
  for (std::size_t i = 0; i < marks.size(); ++i) {
    const auto& each = marks[i];
    folded.pass_ends(rules, each.at);
    switch (each.kind) {
      case mark_kind::verdict: {
        if (each.cleared != reason::none or not each.qualifying) break;
        const auto* step = step_reached(rules, folded.at, marks.first(i), each.at);
        if (step != nullptr) folded.enter(rules, step->at, each.at);
        break;
      }
      case mark_kind::admin_stage:
        folded = {each.to, each.end};
        break;
      case mark_kind::reset:
      case mark_kind::upgrade:
        folded = {};
        break;
    }
  }
  folded.pass_ends(rules, now);
  return folded;
}

void drop_old_marks(standing& of, time_ms now) {
  if (of.at != stage::none or of.since > now - marks_kept_ms) return;
  std::erase_if(of.marks, [now](const mark& each) { return each.at < now - marks_kept_ms; });
}

/// Change stage and end, write stage_changed, and what follows from where the user now stands.
void move_to(slot_context& context, stage to, time_ms until, const stage_cause& cause) {
  auto& standing = context.touch();
  const auto from = standing.at;
  standing.at = to;
  if (from != to) standing.since = context.at;
  standing.until = until;
  context.who.sums.end_quiet(context.slot);
  auto& change = context.write(decision_kind::stage_changed, cause.why);
  change.from = from;
  change.to = to;
  change.until = until;
  change.type = cause.type;
  change.strike = cause.strike;
  change.who = cause.who;
  change.note = cause.note;
  const auto* rule = context.rules().step_of(to);
  if (to > from and rule != nullptr and rule->notify) {
    auto& notice = context.write(decision_kind::notification, cause.why);
    notice.from = from;
    notice.to = to;
    notice.until = until;
    notice.strike = cause.strike;
    notice.type = cause.type;
    notice.words = cause.type == usage_type::free_exhausted ? wording::credits : wording::misuse;
  }
  refresh_restrictions(context, reason::stage_reached, cause.why);
  refresh_budget(context);
}

/// Cooldowns count from the request; a low score earns the longer one.
void begin_cooldown(standing& of, const review_rule& review, const verdict& found) {
  of.failures = 0;
  of.retry_until = INT64_MIN;
  const bool clears = review.cleared_below_nano > 0 and found.score_nano < review.cleared_below_nano;
  of.cooldown_until = found.asked_at + (clears ? review.cleared_cooldown_ms : review.cooldown_ms);
}

} // namespace

std::uint32_t strikes_since(const standing& of, time_ms from) { return count_strikes(of.marks, from); }

void add_mark(slot_context& context, mark added) {
  auto& standing = context.touch();
  drop_old_marks(standing, context.at);
  added.at = context.at;
  if (context.cause != nullptr) added.cause = event_id(*context.cause);
  added.policy_digest = context.spec().label.digest;
  standing.marks.push_back(std::move(added));
}

void enter_stage(slot_context& context, stage to, const stage_cause& cause) {
  move_to(context, to, context.rules().stage_end(to, context.at), cause);
}

void end_stage(slot_context& context) {
  enter_stage(context, context.rules().falls_to(context.current_stage()), {.why = reason::stage_ended});
}

void finish_review(slot_context& context, const verdict& found) {
  const auto& rules = context.rules();
  auto& standing = context.touch();
  context.who.sums.end_quiet(context.slot);
  begin_cooldown(standing, rules.review, found);
  mark added;
  added.qualifying = found.score_nano >= rules.review.score_gate_nano;
  added.strike = added.qualifying or rules.counts == strike_basis::finished_reviews;
  added.type = found.type;
  added.score_nano = found.score_nano;
  added.request = found.request;
  added.said = found.said;
  const auto* step = added.qualifying ? step_reached(rules, standing.at, standing.marks, context.at) : nullptr;
  auto& written = context.write(added.strike ? decision_kind::strike_added : decision_kind::review_cleared, found.why);
  written.prior_7d = strikes_since(standing, context.at - 7 * day_ms);
  written.prior_30d = strikes_since(standing, context.at - 30 * day_ms);
  written.request = found.request;
  written.scored = true;
  written.qualifying = added.qualifying;
  written.score_nano = found.score_nano;
  written.type = found.type;
  written.said = found.said;
  written.from = added.from = standing.at;
  written.to = added.to = step != nullptr ? step->at : standing.at;
  written.until = added.end = step != nullptr ? rules.stage_end(step->at, context.at) : standing.until;
  if (added.strike) written.strike = added.number = ++standing.last_strike;
  const stage_cause cause{.why = found.why, .type = found.type, .strike = added.number};
  add_mark(context, std::move(added));
  if (step == nullptr) return;
  standing.last_change_free = found.type == usage_type::free_exhausted;
  enter_stage(context, step->at, cause);
}

namespace {

void write_about(slot_context& context, decision_kind kind, const mark& strike, const stage_cause& cause) {
  auto& written = context.write(kind, cause.why);
  written.strike = strike.number;
  written.type = strike.type;
  written.scored = true;
  written.score_nano = strike.score_nano;
  written.who = cause.who;
  written.note = cause.note;
}

} // namespace

bool clear_strike(slot_context& context, mark& strike, const stage_cause& cause) {
  if (not strike.strike or strike.cleared != reason::none) return false;
  context.touch();
  strike.cleared = cause.why;
  write_about(context, decision_kind::strike_cleared, strike, cause);
  close_appeal(context, strike, cause);
  return true;
}

bool restore_strike(slot_context& context, mark& strike, const stage_cause& cause) {
  if (strike.cleared == reason::none) return false;
  context.touch();
  strike.cleared = reason::none;
  write_about(context, decision_kind::strike_restored, strike, cause);
  return true;
}

void open_appeal(slot_context& context, mark& strike, std::string_view text, const stage_cause& cause) {
  context.touch();
  auto all = strike.appeals ? *strike.appeals : std::vector<appeal>{};
  all.push_back({context.at, std::string{text}, never});
  strike.appeals = std::make_shared<const std::vector<appeal>>(std::move(all));
  strike.resolved = false;
  write_about(context, decision_kind::appeal_opened, strike, cause);
}

void close_appeal(slot_context& context, mark& strike, const stage_cause& cause) {
  if (not strike.has_open_appeal()) return;
  context.touch();
  auto all = *strike.appeals;
  all.back().closed_at = context.at;
  strike.appeals = std::make_shared<const std::vector<appeal>>(std::move(all));
  write_about(context, decision_kind::appeal_closed, strike, cause);
}

void refold(slot_context& context, const stage_cause& cause) {
  const auto& standing = context.touch();
  const auto folded = fold_marks(context.rules(), standing.marks, context.at);
  if (folded.at != standing.at or folded.until != standing.until) move_to(context, folded.at, folded.until, cause);
}

} // namespace fairuse::detail
