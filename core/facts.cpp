// SPDX-License-Identifier: Apache-2.0
#include "core/facts.hpp"

#include <algorithm>
#include <iterator>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/bind.hpp"
#include "core/ladder.hpp"
#include "core/limits.hpp"
#include "core/query.hpp"

namespace fairuse::detail {

namespace {

fact_stamp stamp_of(const event& what) {
  return {what.time, what.text != nullptr ? std::string(what.text->source) : std::string(), event_id(what)};
}

/// What a paid plan does to enforcement (policy key on_upgrade). Holds for exempt users and while off, too.
void upgrade(slot_context& context) {
  auto* known = context.known();
  if (known == nullptr or context.on_free_plan()) return;
  switch (context.rules().on_upgrade) {
    case upgrade_rule::nothing:
      return;
    case upgrade_rule::clear_if_last_free:
      if (known->last_change_free and known->at != stage::none) {
        mark added;
        added.kind = mark_kind::upgrade;
        added.from = known->at;
        add_mark(context, std::move(added));
        enter_stage(context, stage::none, {.why = reason::upgrade});
      }
      return;
    case upgrade_rule::clear_free_strikes: {
      bool cleared = false;
      for (auto& each : known->marks)
        if (each.type == usage_type::free_exhausted) cleared |= clear_strike(context, each, {.why = reason::upgrade});
      if (cleared) refold(context, {.why = reason::upgrade});
      return;
    }
  }
}

/// Content made on exhausted credits is locked until the user pays.
void refresh_lock(slot_context& context, reason unlocked) {
  const bool lock = not context.spec().only_keeps() and context.on_free_plan() and context.who.credits_exhausted();
  const bool was = context.known() != nullptr and context.known()->locked;
  if (lock == was) return;
  context.touch().locked = lock;
  context.write(lock ? decision_kind::content_locked : decision_kind::content_unlocked,
                lock ? reason::credits_exhausted : unlocked);
}

stage_cause cause_of(const admin_command& command) {
  return {.why = reason::admin, .who = command.actor, .note = command.reason};
}

void command_stage(slot_context& live, const admin_command& command) {
  mark added;
  added.kind = mark_kind::admin_stage;
  added.from = live.current_stage();
  added.to = command.to;
  added.end = live.rules().stage_end(command.to, live.at);
  const auto until = live.known() != nullptr ? live.known()->until : never;
  const bool differs = added.from != added.to or until != added.end;
  add_mark(live, std::move(added));
  if (differs) enter_stage(live, command.to, cause_of(command));
}

void command_reset(slot_context& live, const admin_command& command) {
  if (live.known() == nullptr) return;
  auto& standing = live.touch();
  standing.last_change_free = false;
  if (live.rules().on_reset == reset_rule::clear_strikes)
    for (auto& each : standing.marks)
      clear_strike(live, each, cause_of(command));
  mark added;
  added.kind = mark_kind::reset;
  added.from = standing.at;
  add_mark(live, std::move(added));
  if (standing.at != stage::none) enter_stage(live, stage::none, cause_of(command));
}

/// Strike numbers begin at 1; nullptr: there is none of that number.
mark* strike_numbered(const slot_context& live, std::uint32_t number) {
  if (live.known() == nullptr or number == 0) return nullptr;
  auto& marks = live.known()->marks;
  const auto found =
      std::find_if(marks.begin(), marks.end(), [number](const mark& each) { return each.number == number; });
  return found == marks.end() ? nullptr : &*found;
}

void note(slot_context& live, mark& strike, bool resolved, const admin_command& command) {
  live.touch();
  strike.resolved = resolved;
  strike.notes = command.actor + ": " + command.notes;
}

/// REQUIRES: a command about a strike.
applied command_strike(slot_context& live, const admin_command& command) {
  auto* strike = strike_numbered(live, command.strike);
  if (strike == nullptr) return applied::unknown_strike;
  const auto cause = cause_of(command);
  switch (command.verb) {
    case admin_verb::resolve:
      note(live, *strike, true, command);
      close_appeal(live, *strike, cause);
      break;
    case admin_verb::reopen:
      if (strike->resolved) note(live, *strike, false, command);
      break;
    case admin_verb::clear_strike:
      if (clear_strike(live, *strike, cause)) refold(live, cause);
      break;
    case admin_verb::restore_strike:
      if (restore_strike(live, *strike, cause)) refold(live, cause);
      break;
    case admin_verb::appeal:
      if (not why_no_appeal(*strike).empty()) return applied::no_appeal;
      open_appeal(live, *strike, command.text, cause);
      break;
    default:
      break;
  }
  return applied::accepted;
}

/// The decision about it has the live slot's stage, which stays.
decision& write_exemption(slot_context& live, decision_kind kind, reason why) {
  const auto* known = live.known();
  auto& written = live.write(kind, why);
  written.from = written.to = live.current_stage();
  written.until = known != nullptr ? known->until : never;
  return written;
}

/// The user is judged from here on, or no longer: what follows in every slot.
void refresh_exempt(slot_context& live, reason engaged) {
  for (std::size_t slot = 0; slot < live.policies().slot_count(); ++slot) {
    auto context = live.in_slot(slot);
    refresh_restrictions(context, engaged, reason::exempt);
    live.who.sums.end_quiet(slot);
  }
}

void set_exempt(user& who, bool on, time_ms until) {
  who.changed.exempt_until |= who.exempt_until != until;
  who.changed.core = true;
  who.exempt = on;
  who.exempt_until = until;
}

applied command_exempt(slot_context& live, const admin_command& command) {
  auto& who = live.who;
  if (command.until <= live.at) return applied::past_until;
  if (who.exempt == command.on and who.exempt_until == command.until) return applied::accepted;
  const bool begins_or_ends = who.exempt != command.on;
  set_exempt(who, command.on, command.until);
  auto& written =
      write_exemption(live, decision_kind::stage_changed, command.on ? reason::exempt : reason::exemption_ended);
  written.who = command.actor;
  written.note = command.reason;
  if (begins_or_ends) refresh_exempt(live, reason::admin);
  return applied::accepted;
}

/// What an erasure leaves of a standing. One with nothing to keep is not stored, so memory must not keep it either.
std::unique_ptr<standing> left_of(const standing* known) {
  if (known == nullptr or (known->last_strike == 0 and known->last_request == 0)) return nullptr;
  return std::make_unique<standing>(numbers_of(*known));
}

} // namespace

bool is_first_use(slot_context& context, permanent_id what) {
  const auto use = note_permanent_id(context.who.admin_ids, what);
  if (use == id_use::first) context.who.changed.core = true;
  if (use == id_use::reused) ++context.out.counts.reused_command_ids;
  return use == id_use::first;
}

applied apply_account(slot_context& live, const event& what) {
  auto& who = live.who;
  const auto& fact = detail_of<account_fact>(what);
  const auto stamp = stamp_of(what);
  if (not who.account) who.account = std::make_unique<account_state>();
  auto& account = *who.account;
  const auto newer = [&stamp](bool named, fact_stamp& known) {
    if (not named or stamp <= known) return false;
    known = stamp;
    return true;
  };
  const bool plan = newer(fact.plan.has_value(), account.plan_stamp);
  const bool credits = newer(fact.credits_exhausted.has_value(), account.credits_stamp);
  const bool zone = newer(fact.time_zone.has_value(), account.time_zone_stamp);
  const bool locale = newer(fact.locale.has_value(), account.locale_stamp);
  if (not plan and not credits and not zone and not locale) return applied::stale;
  if (plan) account.plan = *fact.plan;
  if (credits) account.credits_exhausted = *fact.credits_exhausted;
  if (zone) account.time_zone = *fact.time_zone;
  if (locale) account.locale = *fact.locale;
  who.changed.core = true;
  for (std::size_t slot = 0; slot < live.policies().slot_count(); ++slot) {
    auto context = live.in_slot(slot);
    who.sums.end_quiet(slot);
    if (plan) upgrade(context);
    refresh_lock(context, plan ? reason::upgrade : reason::credits_restored);
    if (plan) refresh_restrictions(context, reason::plan_changed, reason::plan_changed);
  }
  return applied::accepted;
}

namespace {

/// False: the fact is older than what is known of the conversation.
bool add_conversation(std::vector<conversation>& kept, const event& what) {
  const auto& fact = detail_of<conversation_fact>(what);
  conversation latest{fact.conversation, what.time,     stamp_of(what),   fact.title,
                      fact.overview,     fact.category, fact.duration_ms, fact.from};
  const auto known = std::find_if(kept.begin(), kept.end(), [&](const auto& each) { return each.id == latest.id; });
  if (known != kept.end()) {
    if (latest.stamp <= known->stamp) return false;
    kept.erase(known);
  }
  const auto older = [](const conversation& left, const conversation& right) {
    return std::tie(left.at, left.id) < std::tie(right.at, right.id);
  };
  kept.insert(std::upper_bound(kept.begin(), kept.end(), latest, older), std::move(latest));
  return true;
}

void drop_oldest(std::vector<conversation>& kept) {
  if (kept.size() > conversations_max)
    kept.erase(kept.begin(), kept.end() - static_cast<std::ptrdiff_t>(conversations_max));
}

} // namespace

applied apply_conversation(user& who, const event& what) {
  if (not who.conversations) who.conversations = std::make_unique<std::vector<conversation>>();
  if (not add_conversation(*who.conversations, what)) return applied::stale;
  drop_oldest(*who.conversations);
  who.changed.conversations = true;
  return applied::accepted;
}

// The oldest are dropped many at a time: dropping one moves all others. Which ones are left is the same.
void read_conversations(user& who, unread_conversations& unread) {
  if (unread.first == unread.last) return;
  if (not who.conversations) who.conversations = std::make_unique<std::vector<conversation>>();
  auto& kept = *who.conversations;
  for (; unread.first < unread.last; ++unread.first) {
    const auto tag = unread.run->tag[unread.first];
    if (tag.kind() != event_kind::conversation or tag.whole()) continue;
    add_conversation(kept, unread.run->at(unread.first));
    if (kept.size() > 2 * conversations_max) drop_oldest(kept);
  }
  drop_oldest(kept);
  who.changed.conversations = true;
}

namespace {

/// False: the facts' ids say which one is newer.
bool add_outline(std::vector<unread_conversations::outlined>& kept, time_ms at, const conversation_outline& what) {
  const auto known = std::find_if(kept.begin(), kept.end(), [&](const auto& each) { return each.what.id == what.id; });
  if (known != kept.end()) {
    if (known->at == at) return false;
    if (known->at > at) return true;
    kept.erase(known);
  }
  auto place = kept.end();
  const auto is_later = [&](const auto& each) { return std::tie(each.at, each.what.id) > std::tie(at, what.id); };
  while (place != kept.begin() and is_later(*std::prev(place)))
    --place;
  kept.insert(place, {at, what});
  return true;
}

} // namespace

bool outline_conversations(const user& who, unread_conversations& unread) {
  if (who.conversations or unread.ambiguous or unread.run == nullptr) return false;
  auto& kept = unread.newest;
  if (unread.outlined_until < unread.first) {
    kept.clear();
    unread.outlined_until = unread.first;
  }
  const auto& run = *unread.run;
  for (auto& i = unread.outlined_until; i < unread.last and not unread.ambiguous; ++i) {
    if (run.tag[i].kind() != event_kind::conversation or run.tag[i].whole()) continue;
    const auto what = run.conversations->outline(static_cast<std::size_t>(run.ms[i]));
    unread.ambiguous = not add_outline(kept, run.instant[i], what);
    if (kept.size() > 2 * conversations_max) kept.erase(kept.begin(), kept.end() - conversations_max);
  }
  return not unread.ambiguous;
}

applied apply_admin(slot_context& live, const event& what) {
  const auto& command = detail_of<admin_command>(what);
  if (not is_first_use(live, {what.key, command_content(command)})) return applied::duplicate;
  switch (command.verb) {
    case admin_verb::set_stage:
      command_stage(live, command);
      break;
    case admin_verb::reset:
      command_reset(live, command);
      break;
    case admin_verb::resolve:
    case admin_verb::reopen:
    case admin_verb::clear_strike:
    case admin_verb::restore_strike:
    case admin_verb::appeal:
      return command_strike(live, command);
    case admin_verb::exempt:
      return command_exempt(live, command);
    case admin_verb::enable:
    case admin_verb::kill_switch:
    case admin_verb::promote_policy:
      break; // For all users: the shard changes the controls.
  }
  return applied::accepted;
}

void end_exemption(slot_context& live) {
  auto& who = live.who;
  set_exempt(who, false, never);
  write_exemption(live, decision_kind::exemption_ended, reason::exemption_ended);
  refresh_exempt(live, reason::exemption_ended);
}

applied apply_erasure(slot_context& live, const event& what) {
  auto& who = live.who;
  const auto& request = detail_of<erasure_request>(what);
  auto& written = live.write(decision_kind::user_erased, reason::erasure);
  written.who = request.actor;
  written.note = request.reason;
  written.sum_count = 0;
  user fresh;
  fresh.erased_at = std::max(what.instant, live.at);
  fresh.admin_ids = std::move(who.admin_ids);
  for (std::size_t slot = 0; slot < who.standings.size(); ++slot) {
    auto numbers = left_of(who.standings[slot].get());
    if (not numbers) continue;
    fresh.standings.resize(who.standings.size());
    fresh.standings[slot] = std::move(numbers);
  }
  fresh.changed.track = who.changed.track;
  fresh.changed.unloaded = std::move(who.changed.unloaded);
  if (fresh.changed.unloaded)
    for (auto& each : *fresh.changed.unloaded)
      each.last = left_of(each.last.get());
  fresh.changed.erased = true;
  const auto& policies = live.policies();
  who = std::move(fresh);
  bind(who, policies, live.at);
  return applied::accepted;
}

} // namespace fairuse::detail
