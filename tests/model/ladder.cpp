// SPDX-License-Identifier: Apache-2.0
//
// The model's ladder: the stage is replayed from the history each time.
#include <algorithm>

#include "tests/model/naive_user.hpp"

namespace fairuse::model {

namespace {

time_ms end_of(const policy& r, stage at, time_ms begin) {
  const auto* rule = r.step_of(at);
  return rule == nullptr or rule->ends_after_ms == 0 ? never : begin + rule->ends_after_ms;
}

position fall(const policy& r, position p) {
  const auto* rule = r.step_of(p.at);
  const auto to = rule == nullptr ? stage::none : rule->falls_to;
  return {to, end_of(r, to, p.until + 1)};
}

} // namespace

position naive_user::replay(std::size_t slot, std::size_t first, position p, time_ms ends_before) const {
  const auto& r = rules(slot);
  const auto& ladder = history_[slot].ladder;
  for (std::size_t i = first; i < ladder.size(); ++i) {
    const auto& m = ladder[i];
    while (p.until != never and p.until < m.at)
      p = fall(r, p);
    if (m.kind == mark_kind::admin_stage) p = {m.to, m.end};
    if (m.kind == mark_kind::reset or m.kind == mark_kind::upgrade) p = {};
    if (m.kind != mark_kind::verdict or m.cleared or not m.qualifying) continue;
    const auto* next = r.step_after(p.at);
    if (next == nullptr) continue;
    std::uint32_t earlier = 0;
    for (std::size_t k = 0; k < i; ++k)
      earlier += ladder[k].strike and not ladder[k].cleared and ladder[k].at >= m.at - next->within_ms;
    if (next->strikes == 0 or earlier >= next->strikes) p = {next->at, end_of(r, next->at, m.at)};
  }
  while (p.until != never and p.until < ends_before)
    p = fall(r, p);
  return p;
}

position naive_user::now_at(std::size_t slot) const {
  const auto& h = history_[slot];
  return replay(slot, h.base.first, h.base.from, h.ends_passed_until);
}

std::uint32_t naive_user::strikes(std::size_t slot, time_ms from) const {
  std::uint32_t count = 0;
  for (const auto& m : history_[slot].ladder)
    count += m.strike and not m.cleared and m.at >= from;
  return count;
}

void naive_user::remember(std::size_t slot, ladder_entry what) {
  // Marks are kept until stage none has lasted 90 days.
  auto& h = history_[slot];
  const auto oldest = what.at - 90 * day_ms;
  if (now_at(slot).at == stage::none and h.since <= oldest) {
    std::erase_if(h.ladder, [oldest](const auto& m) { return m.at < oldest; });
    if (h.ever_promoted) h.base = {h.ladder.size(), {}};
  }
  h.ladder.push_back(std::move(what));
}

void naive_user::write_stage_change(std::size_t slot, time_ms at, const std::string& cause, position was, reason why,
                                    usage_type type, const std::string& who, const std::string& note) {
  const auto p = now_at(slot);
  if (was.at != p.at) history_[slot].since = at;
  auto& d = write(slot, decision_kind::stage_changed, why, at, cause);
  d.from = was.at;
  d.to = p.at;
  d.until = p.until;
  d.type = type;
  d.who = who;
  d.note = note;
  const auto* rule = rules(slot).step_of(p.at);
  if (p.at > was.at and rule != nullptr and rule->notify) {
    auto& n = write(slot, decision_kind::notification, why, at, cause);
    n.from = was.at;
    n.to = p.at;
    n.until = p.until;
    n.words = type == usage_type::free_exhausted ? wording::credits : wording::misuse;
  }
  refresh_restrictions(slot, at, cause, reason::stage_reached, why);
  refresh_exhausted(slot, at, cause);
}

void naive_user::finish_review(std::size_t slot, time_ms at, const std::string& cause, std::int32_t score,
                               usage_type type, reason why, std::uint32_t request, time_ms asked_at) {
  auto& h = history_[slot];
  const auto& r = rules(slot);
  h.reviews.push_back({review_step::finished, at, asked_at, score, &r});
  const auto was = now_at(slot);
  ladder_entry m;
  m.at = at;
  m.qualifying = score >= r.review.score_gate_nano;
  m.strike = m.qualifying or r.counts == strike_basis::finished_reviews;
  m.type = type;
  m.score_nano = score;
  const auto prior_7d = strikes(slot, at - 7 * day_ms);
  const auto prior_30d = strikes(slot, at - 30 * day_ms);
  if (m.strike) m.number = ++h.last_strike;
  auto& d = write(slot, m.strike ? decision_kind::strike_added : decision_kind::review_cleared, why, at, cause);
  remember(slot, m);
  const auto is = now_at(slot);
  d.prior_7d = prior_7d;
  d.prior_30d = prior_30d;
  d.request = request;
  d.strike = m.number;
  d.scored = true;
  d.qualifying = m.qualifying;
  d.score_nano = score;
  d.type = type;
  d.from = was.at;
  d.to = is.at;
  d.until = is.until;
  if (is.at == was.at) return;
  h.last_change_free = type == usage_type::free_exhausted;
  write_stage_change(slot, at, cause, was, why, type, "", "");
}

bool naive_user::clear(std::size_t slot, std::size_t index, time_ms at, const std::string& cause, reason why,
                       const std::string& who, const std::string& note) {
  auto& m = history_[slot].ladder[index];
  if (not m.strike or m.cleared) return false;
  m.cleared = true;
  auto& d = write(slot, decision_kind::strike_cleared, why, at, cause);
  d.strike = m.number;
  d.type = m.type;
  d.scored = true;
  d.score_nano = m.score_nano;
  d.who = who;
  d.note = note;
  return true;
}

void naive_user::refold(std::size_t slot, position was, time_ms at, const std::string& cause, reason why,
                        const std::string& who, const std::string& note) {
  auto& h = history_[slot];
  if (h.ever_promoted) h.base = {h.ladder.size(), replay(slot, 0, {}, at)};
  // Ends that the shorter history has had already pass in silence.
  h.ends_passed_until = at;
  const auto is = now_at(slot);
  if (is.at != was.at or is.until != was.until)
    write_stage_change(slot, at, cause, was, why, usage_type::none, who, note);
}

void naive_user::upgrade(std::size_t slot, time_ms at, const std::string& cause) {
  auto& h = history_[slot];
  const auto& r = rules(slot);
  if (r.is_free(plan())) return;
  const auto was = now_at(slot);
  if (r.on_upgrade == upgrade_rule::clear_if_last_free and h.last_change_free and was.at != stage::none) {
    ladder_entry m;
    m.at = at;
    m.kind = mark_kind::upgrade;
    remember(slot, m);
    write_stage_change(slot, at, cause, was, reason::upgrade, usage_type::none, "", "");
  }
  if (r.on_upgrade == upgrade_rule::clear_free_strikes) {
    bool cleared = false;
    for (std::size_t i = 0; i < h.ladder.size(); ++i)
      if (h.ladder[i].type == usage_type::free_exhausted) cleared |= clear(slot, i, at, cause, reason::upgrade, "", "");
    if (cleared) refold(slot, was, at, cause, reason::upgrade, "", "");
  }
}

void naive_user::command(time_ms now, const event& e) {
  const auto& what = detail_of<admin_command>(e);
  const auto cause = event_id(e);
  auto& live = history_.front();
  switch (what.verb) {
    case admin_verb::set_stage:
      command_stage(now, cause, what);
      return;
    case admin_verb::reset:
      command_reset(now, cause, what);
      return;
    case admin_verb::clear_strike:
      for (std::size_t i = 0; i < live.ladder.size(); ++i)
        if (what.strike != 0 and live.ladder[i].number == what.strike) {
          const auto was = now_at(0);
          if (clear(0, i, now, cause, reason::admin, what.actor, what.reason))
            refold(0, was, now, cause, reason::admin, what.actor, what.reason);
        }
      return;
    case admin_verb::exempt:
      if (exempt_ == what.on) return;
      exempt_ = what.on;
      for (std::size_t i = 0; i < slots_.size(); ++i)
        refresh_restrictions(i, now, cause, reason::admin, reason::exempt);
      return;
    case admin_verb::resolve:
    case admin_verb::enable:
    case admin_verb::kill_switch:
    case admin_verb::promote_policy:
      return;
  }
}

void naive_user::command_stage(time_ms now, const std::string& cause, const admin_command& what) {
  const auto was = now_at(0);
  ladder_entry m;
  m.at = now;
  m.kind = mark_kind::admin_stage;
  m.to = what.to;
  m.end = end_of(rules(0), what.to, now);
  remember(0, m);
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
  ladder_entry m;
  m.at = now;
  m.kind = mark_kind::reset;
  remember(0, m);
  if (was.at != stage::none)
    write_stage_change(0, now, cause, was, reason::admin, usage_type::none, what.actor, what.reason);
}

} // namespace fairuse::model
