// SPDX-License-Identifier: Apache-2.0
//
// Facts about the user that are not usage: account, conversations, what an admin commanded, erasure.
#include <algorithm>

#include "core/context.hpp"

namespace fairuse::detail {

namespace {

fact_stamp stamp_of(const event& e) {
  return {e.time, e.text != nullptr ? std::string(e.text->source) : std::string(), event_id(e)};
}

/// What a paid plan does to enforcement (policy key on_upgrade). Holds for exempt users and while off, too.
void upgrade(context& x) {
  const auto* known = x.known();
  if (known == nullptr or x.rules().is_free(x.u.plan())) return;
  switch (x.rules().on_upgrade) {
    case upgrade_rule::nothing:
      return;
    case upgrade_rule::clear_if_last_free:
      if (known->last_change_free and known->at != stage::none) {
        mark m;
        m.kind = mark_kind::upgrade;
        m.from = known->at;
        add_mark(x, std::move(m));
        enter_stage(x, stage::none, reason::upgrade);
      }
      return;
    case upgrade_rule::clear_free_strikes: {
      bool cleared = false;
      for (auto& m : x.known()->marks)
        if (m.type == usage_type::free_exhausted) cleared |= clear_strike(x, m, reason::upgrade);
      if (cleared) refold(x, reason::upgrade);
      return;
    }
  }
}

/// Content made on exhausted credits is locked until the user pays.
void refresh_lock(context& x, reason unlocked) {
  const bool lock = x.rules().is_free(x.u.plan()) and x.u.credits_exhausted();
  const bool was = x.known() != nullptr and x.known()->locked;
  if (lock == was) return;
  x.touch().locked = lock;
  x.write(lock ? decision_kind::content_locked : decision_kind::content_unlocked,
          lock ? reason::credits_exhausted : unlocked);
}

void command_stage(context& x, const admin_command& command) {
  const auto* rule = x.rules().step_of(command.to);
  mark m;
  m.kind = mark_kind::admin_stage;
  m.from = x.current_stage();
  m.to = command.to;
  m.end = rule != nullptr and rule->ends_after_ms > 0 ? x.at + rule->ends_after_ms : never;
  const bool differs = m.from != m.to or (x.known() != nullptr ? x.known()->until : never) != m.end;
  add_mark(x, std::move(m));
  if (differs) enter_stage(x, command.to, reason::admin, usage_type::none, command.actor, command.reason);
}

void command_reset(context& x, const admin_command& command) {
  if (x.known() == nullptr) return;
  auto& s = x.touch();
  s.last_change_free = false;
  if (x.rules().on_reset == reset_rule::clear_strikes)
    for (auto& m : s.marks)
      clear_strike(x, m, reason::admin, command.actor, command.reason);
  mark m;
  m.kind = mark_kind::reset;
  m.from = s.at;
  add_mark(x, std::move(m));
  if (s.at != stage::none) enter_stage(x, stage::none, reason::admin, usage_type::none, command.actor, command.reason);
}

void command_strike(context& x, const admin_command& command) {
  if (x.known() == nullptr) return;
  for (auto& m : x.known()->marks) {
    if (m.number != command.strike or m.number == 0) continue;
    if (command.verb == admin_verb::resolve) {
      x.touch();
      m.resolved = true;
      m.notes = command.actor + ": " + command.notes;
    } else if (clear_strike(x, m, reason::admin, command.actor, command.reason)) {
      refold(x, reason::admin, command.actor, command.reason);
    }
    return;
  }
}

void command_exempt(user& u, const controls& in_force, time_ms now, const event& e, step_output& out) {
  const auto& command = detail_of<admin_command>(e);
  if (u.exempt == command.on) return;
  u.exempt = command.on;
  u.changed.core = true;
  const auto cause = event_id(e);
  for (std::size_t slot = 0; slot < u.sums.policies->slots().size(); ++slot) {
    context x{u, in_force, out, now, cause, slot};
    refresh_restrictions(x, reason::admin, reason::exempt);
    u.sums.wake(slot);
  }
}

} // namespace

bool remember_for_ever(user& u, std::uint64_t key) {
  const auto place = std::lower_bound(u.admin_ids.begin(), u.admin_ids.end(), key);
  if (place != u.admin_ids.end() and *place == key) return false;
  u.admin_ids.insert(place, key);
  u.changed.core = true;
  return true;
}

applied apply_account(user& u, const controls& in_force, time_ms now, const event& e, step_output& out) {
  const auto& fact = detail_of<account_fact>(e);
  const auto stamp = stamp_of(e);
  if (not u.account) u.account = std::make_unique<account_state>();
  auto& account = *u.account;
  const auto newer = [&stamp](bool named, fact_stamp& known) {
    if (not named or stamp <= known) return false;
    known = stamp;
    return true;
  };
  const bool plan = newer(fact.plan.has_value(), account.plan_stamp);
  const bool credits = newer(fact.credits_exhausted.has_value(), account.credits_stamp);
  const bool zone = newer(fact.time_zone.has_value(), account.time_zone_stamp);
  if (not plan and not credits and not zone) return applied::stale;
  if (plan) account.plan = *fact.plan;
  if (credits) account.credits_exhausted = *fact.credits_exhausted;
  if (zone) account.time_zone = *fact.time_zone;
  u.changed.core = true;
  const auto cause = event_id(e);
  for (std::size_t slot = 0; slot < u.sums.policies->slots().size(); ++slot) {
    context x{u, in_force, out, now, cause, slot};
    u.sums.wake(slot);
    if (plan) upgrade(x);
    refresh_lock(x, plan ? reason::upgrade : reason::credits_restored);
    if (plan) refresh_restrictions(x, reason::plan_changed, reason::plan_changed);
  }
  return applied::accepted;
}

applied apply_conversation(user& u, const event& e) {
  const auto& fact = detail_of<conversation_fact>(e);
  if (not u.conversations) u.conversations = std::make_unique<std::vector<conversation>>();
  auto& talks = *u.conversations;
  conversation talk{fact.conversation, e.time,        stamp_of(e),      fact.title,
                    fact.overview,     fact.category, fact.duration_ms, fact.from};
  const auto known = std::find_if(talks.begin(), talks.end(), [&](const auto& t) { return t.id == talk.id; });
  if (known != talks.end()) {
    if (talk.stamp <= known->stamp) return applied::stale;
    talks.erase(known);
  }
  const auto older = [](const conversation& a, const conversation& b) {
    return std::tie(a.at, a.id) < std::tie(b.at, b.id);
  };
  talks.insert(std::upper_bound(talks.begin(), talks.end(), talk, older), std::move(talk));
  if (talks.size() > conversations_max) talks.erase(talks.begin());
  u.changed.conversations = true;
  return applied::accepted;
}

applied apply_admin(user& u, const controls& in_force, time_ms now, const event& e, step_output& out) {
  if (not remember_for_ever(u, e.key)) return applied::duplicate;
  const auto& command = detail_of<admin_command>(e);
  const auto cause = event_id(e);
  context x{u, in_force, out, now, cause, 0};
  switch (command.verb) {
    case admin_verb::set_stage:
      command_stage(x, command);
      break;
    case admin_verb::reset:
      command_reset(x, command);
      break;
    case admin_verb::resolve:
    case admin_verb::clear_strike:
      command_strike(x, command);
      break;
    case admin_verb::exempt:
      command_exempt(u, in_force, now, e, out);
      break;
    case admin_verb::enable:
    case admin_verb::kill_switch:
    case admin_verb::promote_policy:
      break; // For everybody: the shard changes the controls.
  }
  return applied::accepted;
}

applied apply_erasure(user& u, const controls& in_force, time_ms now, const event& e, step_output& out) {
  const auto& request = detail_of<erasure_request>(e);
  const auto cause = event_id(e);
  context x{u, in_force, out, now, cause, 0};
  auto& d = x.write(decision_kind::user_erased, reason::erasure);
  d.who = request.actor;
  d.note = request.reason;
  d.sum_count = 0;
  user fresh;
  fresh.erased_at = std::max(e.instant, now);
  fresh.admin_ids = std::move(u.admin_ids);
  for (std::size_t slot = 0; slot < u.standings.size(); ++slot) {
    const auto* s = u.standings[slot].get();
    // One with nothing to keep would be forgotten by the store, and must not live on in memory only.
    if (s == nullptr or (s->last_strike == 0 and s->last_request == 0)) continue;
    fresh.standings.resize(u.standings.size());
    fresh.standings[slot] = std::make_unique<standing>();
    fresh.standings[slot]->last_strike = s->last_strike;
    fresh.standings[slot]->last_request = s->last_request;
  }
  fresh.changed.track = u.changed.track;
  fresh.changed.erased = true;
  const auto& set = *u.sums.policies;
  u = std::move(fresh);
  bind(u, set, now);
  return applied::accepted;
}

} // namespace fairuse::detail
