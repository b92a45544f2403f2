// SPDX-License-Identifier: Apache-2.0
//
// The model's ladder: the stage is replayed from the history each time.
#include <algorithm>
#include <utility>

#include "tests/model/naive_user.hpp"

namespace fairuse::model {

namespace {

time_ms end_of(const policy& slot_rules, stage at, time_ms begin) {
  const auto* rule = slot_rules.step_of(at);
  return rule == nullptr or rule->ends_after_ms == 0 ? never : begin + rule->ends_after_ms;
}

position fall(const policy& slot_rules, position from) {
  const auto* rule = slot_rules.step_of(from.at);
  const auto to = rule == nullptr ? stage::none : rule->falls_to;
  return {to, end_of(slot_rules, to, from.until + 1)};
}

} // namespace

position naive_user::replay(std::size_t slot, std::size_t first, position from, time_ms ends_before) const {
  const auto& slot_rules = rules(slot);
  const auto& ladder = history_[slot].ladder;
  for (std::size_t i = first; i < ladder.size(); ++i) {
    const auto& entry = ladder[i];
    while (from.until != never and from.until < entry.at)
      from = fall(slot_rules, from);
    if (entry.kind == mark_kind::admin_stage) from = {entry.to, entry.end};
    if (entry.kind == mark_kind::reset or entry.kind == mark_kind::upgrade) from = {};
    if (entry.kind != mark_kind::verdict or entry.cleared or not entry.qualifying) continue;
    const auto* next = slot_rules.step_after(from.at);
    if (next == nullptr) continue;
    std::uint32_t earlier = 0;
    for (std::size_t index = 0; index < i; ++index)
      earlier += ladder[index].strike and not ladder[index].cleared and ladder[index].at >= entry.at - next->within_ms;
    if (next->strikes == 0 or earlier >= next->strikes) from = {next->at, end_of(slot_rules, next->at, entry.at)};
  }
  while (from.until != never and from.until < ends_before)
    from = fall(slot_rules, from);
  return from;
}

position naive_user::now_at(std::size_t slot) const {
  const auto& history = history_[slot];
  return replay(slot, history.base.first, history.base.from, history.ends_passed_until);
}

std::uint32_t naive_user::strikes(std::size_t slot, time_ms from) const {
  std::uint32_t count = 0;
  for (const auto& entry : history_[slot].ladder)
    count += entry.strike and not entry.cleared and entry.at >= from;
  return count;
}

void naive_user::remember(std::size_t slot, ladder_entry what) {
  // Marks are kept until stage none has lasted 90 days.
  auto& history = history_[slot];
  const auto oldest = what.at - 90 * day_ms;
  if (now_at(slot).at == stage::none and history.since <= oldest) {
    std::erase_if(history.ladder, [oldest](const auto& entry) { return entry.at < oldest; });
    if (history.ever_promoted) history.base = {history.ladder.size(), {}};
  }
  history.ladder.push_back(std::move(what));
}

void naive_user::write_stage_change(std::size_t slot, time_ms at, const std::string& cause, position was, reason why,
                                    usage_type type, const std::string& who, const std::string& note,
                                    std::uint32_t strike) {
  const auto is = now_at(slot);
  if (was.at != is.at) history_[slot].since = at;
  auto& written = write(slot, decision_kind::stage_changed, why, at, cause);
  written.from = was.at;
  written.to = is.at;
  written.until = is.until;
  written.type = type;
  written.strike = strike;
  written.who = who;
  written.note = note;
  const auto* rule = rules(slot).step_of(is.at);
  if (is.at > was.at and rule != nullptr and rule->notify) {
    auto& notified = write(slot, decision_kind::notification, why, at, cause);
    notified.from = was.at;
    notified.to = is.at;
    notified.until = is.until;
    notified.strike = strike;
    notified.type = type;
    notified.words = type == usage_type::free_exhausted ? wording::credits : wording::misuse;
  }
  refresh_restrictions(slot, at, cause, reason::stage_reached, why);
  refresh_budget(slot, at, cause);
}

void naive_user::finish_review(std::size_t slot, time_ms at, const std::string& cause, std::int32_t score,
                               usage_type type, reason why, std::uint32_t request, time_ms asked_at,
                               const review_answer* of) {
  auto& history = history_[slot];
  const auto& slot_rules = rules(slot);
  history.reviews.push_back({review_step::finished, at, asked_at, score, &slot_rules});
  const auto was = now_at(slot);
  ladder_entry entry;
  entry.at = at;
  entry.qualifying = score >= slot_rules.review.score_gate_nano;
  entry.strike = entry.qualifying or slot_rules.counts == strike_basis::finished_reviews;
  entry.type = type;
  entry.score_nano = score;
  entry.of = of;
  const auto prior_7d = strikes(slot, at - 7 * day_ms);
  const auto prior_30d = strikes(slot, at - 30 * day_ms);
  if (entry.strike) entry.number = ++history.last_strike;
  auto& written =
      write(slot, entry.strike ? decision_kind::strike_added : decision_kind::review_cleared, why, at, cause);
  remember(slot, entry);
  const auto is = now_at(slot);
  written.prior_7d = prior_7d;
  written.prior_30d = prior_30d;
  written.request = request;
  if (of != nullptr) written.said = said_by(*of);
  written.strike = entry.number;
  written.scored = true;
  written.qualifying = entry.qualifying;
  written.score_nano = score;
  written.type = type;
  written.from = was.at;
  written.to = is.at;
  written.until = is.until;
  if (is.at == was.at) return;
  history.last_change_free = type == usage_type::free_exhausted;
  write_stage_change(slot, at, cause, was, why, type, "", "", entry.number);
}

bool naive_user::clear(std::size_t slot, std::size_t index, time_ms at, const std::string& cause, reason why,
                       const std::string& who, const std::string& note) {
  auto& entry = history_[slot].ladder[index];
  if (not entry.strike or entry.cleared) return false;
  entry.cleared = true;
  write_about(slot, index, decision_kind::strike_cleared, at, cause, why, who, note);
  close_appeal(slot, index, at, cause, why, who, note);
  return true;
}

void naive_user::write_about(std::size_t slot, std::size_t index, decision_kind kind, time_ms at,
                             const std::string& cause, reason why, const std::string& who, const std::string& note) {
  const auto& entry = history_[slot].ladder[index];
  auto& written = write(slot, kind, why, at, cause);
  written.strike = entry.number;
  written.type = entry.type;
  written.scored = true;
  written.score_nano = entry.score_nano;
  written.who = who;
  written.note = note;
}

void naive_user::close_appeal(std::size_t slot, std::size_t index, time_ms at, const std::string& cause, reason why,
                              const std::string& who, const std::string& note) {
  auto& entry = history_[slot].ladder[index];
  if (std::exchange(entry.appeal_is_open, false))
    write_about(slot, index, decision_kind::appeal_closed, at, cause, why, who, note);
}

void naive_user::refold(std::size_t slot, position was, time_ms at, const std::string& cause, reason why,
                        const std::string& who, const std::string& note) {
  auto& history = history_[slot];
  if (history.ever_promoted) history.base = {history.ladder.size(), replay(slot, 0, {}, at)};
  // No decision is written for ends that the shorter history has already passed.
  history.ends_passed_until = at;
  const auto is = now_at(slot);
  if (is.at != was.at or is.until != was.until)
    write_stage_change(slot, at, cause, was, why, usage_type::none, who, note);
}

void naive_user::upgrade(std::size_t slot, time_ms at, const std::string& cause) {
  auto& history = history_[slot];
  const auto& slot_rules = rules(slot);
  if (slot_rules.is_free(plan())) return;
  const auto was = now_at(slot);
  if (slot_rules.on_upgrade == upgrade_rule::clear_if_last_free and history.last_change_free
      and was.at != stage::none) {
    ladder_entry entry;
    entry.at = at;
    entry.kind = mark_kind::upgrade;
    remember(slot, entry);
    write_stage_change(slot, at, cause, was, reason::upgrade, usage_type::none, "", "");
  }
  if (slot_rules.on_upgrade == upgrade_rule::clear_free_strikes) {
    bool cleared = false;
    for (std::size_t i = 0; i < history.ladder.size(); ++i)
      if (history.ladder[i].type == usage_type::free_exhausted)
        cleared |= clear(slot, i, at, cause, reason::upgrade, "", "");
    if (cleared) refold(slot, was, at, cause, reason::upgrade, "", "");
  }
}

applied naive_user::command(time_ms now, const event& given) {
  const auto& what = detail_of<admin_command>(given);
  const auto cause = event_id(given);
  switch (what.verb) {
    case admin_verb::set_stage:
      command_stage(now, cause, what);
      break;
    case admin_verb::reset:
      command_reset(now, cause, what);
      break;
    case admin_verb::clear_strike:
    case admin_verb::restore_strike:
    case admin_verb::resolve:
    case admin_verb::reopen:
    case admin_verb::appeal:
      return command_strike(now, cause, what);
    case admin_verb::exempt:
      return command_exempt(now, cause, what);
    case admin_verb::enable:
    case admin_verb::kill_switch:
    case admin_verb::promote_policy:
      break;
  }
  return applied::accepted;
}

// What `resolve` and `reopen` note is in no decision.
applied naive_user::command_strike(time_ms now, const std::string& cause, const admin_command& what) {
  auto& ladder = history_.front().ladder;
  for (std::size_t i = 0; i < ladder.size(); ++i) {
    const auto number = ladder[i].number;
    const bool meant =
        what.reference.empty() ? number == what.strike : reference and reference(number) == what.reference;
    if (number == 0 or not meant) continue;
    const auto was = now_at(0);
    if (what.verb == admin_verb::clear_strike and clear(0, i, now, cause, reason::admin, what.actor, what.reason))
      refold(0, was, now, cause, reason::admin, what.actor, what.reason);
    if (what.verb == admin_verb::restore_strike and std::exchange(ladder[i].cleared, false)) {
      write_about(0, i, decision_kind::strike_restored, now, cause, reason::admin, what.actor, what.reason);
      refold(0, was, now, cause, reason::admin, what.actor, what.reason);
    }
    if (what.verb == admin_verb::resolve) close_appeal(0, i, now, cause, reason::admin, what.actor, what.reason);
    if (what.verb == admin_verb::appeal) {
      if (ladder[i].cleared or ladder[i].appeal_is_open or ladder[i].appeals == 3) return applied::no_appeal;
      ++ladder[i].appeals;
      ladder[i].appeal_is_open = true;
      write_about(0, i, decision_kind::appeal_opened, now, cause, reason::admin, what.actor, what.reason);
    }
    return applied::accepted;
  }
  return applied::unknown_strike;
}

applied naive_user::command_exempt(time_ms now, const std::string& cause, const admin_command& what) {
  if (what.until <= now) return applied::past_until;
  const bool was = exempt_;
  if (was == what.on and exempt_until_ == what.until) return applied::accepted;
  exempt_ = what.on;
  exempt_until_ = what.until;
  const auto is = now_at(0);
  auto& written =
      write(0, decision_kind::stage_changed, what.on ? reason::exempt : reason::exemption_ended, now, cause);
  written.from = is.at;
  written.to = is.at;
  written.until = is.until;
  written.who = what.actor;
  written.note = what.reason;
  if (was != exempt_)
    for (std::size_t i = 0; i < slots_.size(); ++i)
      refresh_restrictions(i, now, cause, reason::admin, reason::exempt);
  return applied::accepted;
}

void naive_user::end_exemption(time_ms at) {
  exempt_ = false;
  exempt_until_ = never;
  const auto is = now_at(0);
  auto& written = write(0, decision_kind::exemption_ended, reason::exemption_ended, at, "");
  written.from = is.at;
  written.to = is.at;
  written.until = is.until;
  for (std::size_t i = 0; i < slots_.size(); ++i)
    refresh_restrictions(i, at, "", reason::exemption_ended, reason::exempt);
}

void naive_user::command_stage(time_ms now, const std::string& cause, const admin_command& what) {
  const auto was = now_at(0);
  ladder_entry entry;
  entry.at = now;
  entry.kind = mark_kind::admin_stage;
  entry.to = what.to;
  entry.end = end_of(rules(0), what.to, now);
  remember(0, entry);
  const auto is = now_at(0);
  if (is.at != was.at or is.until != was.until)
    write_stage_change(0, now, cause, was, reason::admin, usage_type::none, what.actor, what.reason);
}

void naive_user::command_reset(time_ms now, const std::string& cause, const admin_command& what) {
  auto& live = history_.front();
  const auto was = now_at(0);
  live.last_change_free = false;
  if (rules(0).on_reset == reset_rule::clear_strikes)
    for (std::size_t i = 0; i < live.ladder.size(); ++i)
      clear(0, i, now, cause, reason::admin, what.actor, what.reason);
  ladder_entry entry;
  entry.at = now;
  entry.kind = mark_kind::reset;
  remember(0, entry);
  if (was.at != stage::none)
    write_stage_change(0, now, cause, was, reason::admin, usage_type::none, what.actor, what.reason);
}

} // namespace fairuse::model
