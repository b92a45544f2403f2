// SPDX-License-Identifier: Apache-2.0
#include "tests/model/naive_user.hpp"

#include <algorithm>
#include <utility>

namespace fairuse::model {

namespace {

std::string source_of(const event& given) {
  return given.text != nullptr ? std::string(given.text->source) : std::string();
}

std::tuple<time_ms, std::string, std::string> stamp(const event& given) {
  return {given.time, source_of(given), event_id(given)};
}

std::int64_t day_of(time_ms at) { return at / day_ms; }

} // namespace

naive_user::naive_user(policy live, std::vector<policy> shadows, std::int64_t retention_ms, review_mode reviews)
  : retention_ms_(retention_ms), reviews_(reviews) {
  make_slots(live, std::move(shadows));
  history_.resize(slots_.size());
}

void naive_user::make_slots(const policy& live, std::vector<policy> shadows) {
  slots_.clear();
  const auto add = [this](slot_kind kind, const std::string& name, const policy& rules) {
    auto& slot = all_slots_.emplace_back();
    slot.kind = kind;
    slot.rules = rules;
    slot.label = {name, kind == slot_kind::live, rules.name, rules.digest, {}};
    for (const auto& window : rules.windows)
      slot.label.windows.push_back(window.name);
    slots_.push_back(&slot);
  };
  add(slot_kind::live, "live", live);
  const auto runs_off = [](const policy& each) { return each.off == off_rule::shadow; };
  if (runs_off(live) or std::any_of(shadows.begin(), shadows.end(), runs_off)) add(slot_kind::off, "off", live);
  std::sort(shadows.begin(), shadows.end(), [](const auto& left, const auto& right) { return left.name < right.name; });
  for (const auto& each : shadows)
    add(reviews_ == review_mode::alone ? slot_kind::alone : slot_kind::shadow, each.name, each);
}

void naive_user::set_controls(bool enabled, bool killed) {
  enabled_ = enabled;
  killed_ = killed;
}

void naive_user::promote(const std::string& shadow) {
  std::optional<policy> chosen;
  std::vector<policy> others;
  for (const auto* each : slots_) {
    if (each->kind == slot_kind::live or each->kind == slot_kind::off) continue;
    if (each->rules.name == shadow)
      chosen = each->rules;
    else
      others.push_back(each->rules);
  }
  if (not chosen) return;
  const auto before = slots_;
  std::vector<position> stood;
  for (std::size_t i = 0; i < before.size(); ++i)
    stood.push_back(now_at(i));
  auto old = std::move(history_);
  make_slots(*chosen, others);
  history_ = std::vector<slot_history>(slots_.size());
  for (std::size_t i = 0; i < slots_.size(); ++i)
    for (std::size_t earlier = 0; earlier < before.size(); ++earlier)
      if (before[earlier]->label.slot == slots_[i]->label.slot) {
        history_[i] = std::move(old[earlier]);
        history_[i].base = {history_[i].ladder.size(), stood[earlier]};
        history_[i].ever_promoted = true;
        history_[i].recheck = history_[i].hard or history_[i].ceiling;
      }
}

bool naive_user::judges(std::size_t slot) const {
  if (killed_ or exempt_) return false;
  const auto kind = slots_[slot]->kind;
  if (kind == slot_kind::off) return not enabled_ and rules(slot).off == off_rule::shadow;
  return kind == slot_kind::shadow or enabled_;
}

decision& naive_user::write(std::size_t slot, decision_kind kind, reason why, time_ms at, const std::string& cause) {
  decision written;
  written.kind = kind;
  written.why = why;
  written.slot = &slots_[slot]->label;
  written.time = at;
  written.cause = cause;
  written.sum_count = static_cast<std::uint8_t>(rules(slot).windows.size());
  for (std::size_t window = 0; window < written.sum_count; ++window)
    written.sums[window] = sum(slot, window, at);
  decisions.push_back(std::move(written));
  return decisions.back();
}

naive_user::timer naive_user::next_timer() const {
  timer first;
  if (exempt_until_ != never) first = {exempt_until_ + 1, 0, 0};
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const auto& history = history_[i];
    if (const auto until = now_at(i).until; until != never) first = std::min(first, timer{until + 1, 1, i});
    for (const auto& each : history.charges)
      if (history.days_reset.count(day_of(each.at)) == 0)
        first = std::min(first, timer{(day_of(each.at) + 1) * day_ms, 2, i});
    if (history.pending != 0) first = std::min(first, timer{history.pending_until + 1, 3, i});
    if (const auto due = next_drain(i)) first = std::min(first, timer{*due, 4, i});
  }
  return first;
}

void naive_user::advance(time_ms now) {
  // Restrictions of the policy before a promotion are checked when the promotion is carried out.
  for (auto& each : history_)
    if (std::exchange(each.recheck, false)) each.restrictions_seen = now;
  for (auto next = next_timer(); next.due <= now; next = next_timer())
    fire(next);
}

void naive_user::fire(const timer& due_timer) {
  auto& history = history_[due_timer.slot];
  if (due_timer.kind == 0) {
    end_exemption(due_timer.due);
  } else if (due_timer.kind == 1) {
    const auto was = now_at(due_timer.slot);
    history.ends_passed_until = due_timer.due;
    write_stage_change(due_timer.slot, due_timer.due, "", was, reason::stage_ended, usage_type::none, "", "");
  } else if (due_timer.kind == 2) {
    const auto day = day_of(due_timer.due) - 1;
    auto& written = write(due_timer.slot, decision_kind::budget_reset, reason::budget_day_over, due_timer.due, "");
    written.sum_ms = used(due_timer.slot, day);
    written.cap_ms = rules(due_timer.slot).budget.per_utc_day_ms;
    history.days_reset.insert(day);
    history.exhausted = false;
  } else if (due_timer.kind == 3) {
    const auto number = history.pending;
    history.pending = 0;
    history.timed_out.insert(number);
    fail(due_timer.slot, due_timer.due, "", decision_kind::review_timed_out, reason::review_timed_out, nullptr, number);
  } else {
    drain(due_timer.slot, due_timer.due);
  }
}

applied naive_user::apply(time_ms now, const event& given, std::int64_t horizon_ms) {
  if (given.instant > now + horizon_ms) return applied::future;
  const bool metered = given.kind == event_kind::speech or given.kind == event_kind::stt;
  if (metered and given.instant < now - retention_ms_) return applied::too_old;
  if (given.instant <= erased_at_) return given.kind == event_kind::erasure ? applied::duplicate : applied::erased;
  if (metered) {
    if (had(now, given)) return applied::duplicate;
    ids_[{source_of(given), event_id(given)}].insert(given.instant / hour_ms);
  }
  switch (given.kind) {
    case event_kind::speech:
      return speech(now, given);
    case event_kind::stt:
      return stt(now, given);
    case event_kind::account:
      return account(now, given);
    case event_kind::conversation:
      return conversation(given);
    case event_kind::review:
      return answer(now, given);
    case event_kind::admin:
      if (not ids_for_ever_.insert({source_of(given), event_id(given)}).second) return applied::duplicate;
      return command(now, given);
    case event_kind::erasure:
      erase(now, given);
      return applied::accepted;
  }
  return applied::accepted;
}

bool naive_user::had(time_ms now, const event& given) const {
  const auto found = ids_.find({source_of(given), event_id(given)});
  if (found == ids_.end()) return false;
  const auto& hours = found->second;
  const bool in_last_day = *hours.rbegin() >= now / hour_ms - 24;
  return in_last_day or hours.count(given.instant / hour_ms) != 0;
}

applied naive_user::speech(time_ms now, const event& given) {
  const auto cause = event_id(given);
  const bool upload = given.from == lane::sync;
  std::vector<bool> charged(slots_.size());
  for (std::size_t i = 0; i < slots_.size(); ++i)
    charged[i] = upload and rules(i).budget.charge_uploads and tracked(i, now);
  const metered_event metered{given, now, not enabled_};
  speech_.push_back(metered);
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (not judges(i)) continue;
    const bool refused = upload and (history_[i].hard or history_[i].ceiling or blocks(i, now));
    evaluate(i, now, metered, cause);
    if (charged[i] and not refused) charge_budget(i, now, given, speech_of(given), cause);
  }
  return applied::accepted;
}

std::uint8_t naive_user::exceeded(std::size_t slot, time_ms at) const {
  std::uint8_t bits = 0;
  for (std::size_t window = 0; window < rules(slot).windows.size(); ++window)
    if (sum(slot, window, at) > cap(slot, window)) bits = static_cast<std::uint8_t>(bits | 1U << window);
  return bits;
}

void naive_user::evaluate(std::size_t slot, time_ms now, const metered_event& metered, const std::string& cause) {
  const auto& slot_rules = rules(slot);
  const bool late =
      slot_rules.metering.fresh_within_ms > 0 and now - metered.what.instant > slot_rules.metering.fresh_within_ms;
  const auto from = late ? lane::backfill : metered.what.from;
  if (not slot_rules.enforced_lanes[static_cast<std::size_t>(from)]) return;
  for (std::size_t window = 0; window < slot_rules.windows.size(); ++window) {
    const auto with = sum(slot, window, now);
    const auto without = with - of_event(*slots_[slot], slot_rules.windows[window].span_ms, now, metered);
    if (without > cap(slot, window) or with <= cap(slot, window)) continue;
    auto& written = write(slot, decision_kind::cap_crossed, reason::cap_exceeded, now, cause);
    written.window = static_cast<std::uint8_t>(window);
    written.sum_ms = with;
    written.cap_ms = cap(slot, window);
  }
  refresh_restrictions(slot, now, cause, reason::cap_exceeded, reason::usage_restored);
  if (const auto bits = exceeded(slot, now); bits != 0) ask(slot, now, cause, bits);
}

applied naive_user::stt(time_ms now, const event& given) {
  for (std::size_t i = 0; i < slots_.size(); ++i)
    if (given.ms > 0 and judges(i) and rules(i).budget.charge_stt and tracked(i, now) and not blocks(i, now))
      charge_budget(i, now, given, given.ms, event_id(given));
  return applied::accepted;
}

std::int64_t naive_user::used(std::size_t slot, std::int64_t day) const {
  std::int64_t sum = 0;
  for (const auto& each : history_[slot].charges)
    if (day_of(each.at) == day) sum += each.ms;
  return sum;
}

bool naive_user::tracked(std::size_t slot, time_ms at) const {
  const auto& budget = rules(slot).budget;
  if (budget.per_utc_day_ms <= 0 or not judges(slot)) return false;
  return now_at(slot).at == budget.at or (budget.track_from_trigger and exceeded(slot, at) != 0);
}

bool naive_user::blocks(std::size_t slot, time_ms at) const {
  const auto& budget = rules(slot).budget;
  return budget.per_utc_day_ms > 0 and now_at(slot).at == budget.at and used(slot, day_of(at)) >= budget.per_utc_day_ms;
}

void naive_user::charge_budget(std::size_t slot, time_ms now, const event& given, std::int64_t ms,
                               const std::string& cause) {
  if (ms <= 0 or day_of(given.instant) < day_of(now)) return;
  history_[slot].charges.push_back({now, ms});
  refresh_budget(slot, now, cause);
}

void naive_user::refresh_budget(std::size_t slot, time_ms at, const std::string& cause) {
  auto& history = history_[slot];
  const auto& budget = rules(slot).budget;
  const bool was = history.exhausted;
  history.exhausted = blocks(slot, at);
  if (history.exhausted and not was) write_used(slot, decision_kind::budget_exhausted, at, cause);
  // In thousandths of a millisecond and less: as a fraction of the whole.
  const auto share = static_cast<long double>(used(slot, day_of(at))) * 1e9L;
  const auto low = static_cast<long double>(budget.low_nano) * static_cast<long double>(budget.per_utc_day_ms);
  if (low <= 0 or now_at(slot).at != budget.at or share < low) return;
  if (history.days_low.insert(day_of(at)).second and not history.exhausted)
    write_used(slot, decision_kind::budget_low, at, cause);
}

void naive_user::write_used(std::size_t slot, decision_kind kind, time_ms at, const std::string& cause) {
  auto& written = write(slot, kind, reason::budget_spent, at, cause);
  written.to = now_at(slot).at;
  written.sum_ms = used(slot, day_of(at));
  written.cap_ms = rules(slot).budget.per_utc_day_ms;
  written.until = (day_of(at) + 1) * day_ms;
}

std::string naive_user::plan() const {
  const event* newest = nullptr;
  for (const auto& given : accounts_)
    if (detail_of<account_fact>(given).plan and (newest == nullptr or stamp(given) > stamp(*newest))) newest = &given;
  return newest != nullptr ? *detail_of<account_fact>(*newest).plan : "basic";
}

bool naive_user::credits_exhausted() const {
  const event* newest = nullptr;
  for (const auto& given : accounts_)
    if (detail_of<account_fact>(given).credits_exhausted and (newest == nullptr or stamp(given) > stamp(*newest)))
      newest = &given;
  return newest != nullptr and *detail_of<account_fact>(*newest).credits_exhausted;
}

applied naive_user::account(time_ms now, const event& given) {
  const auto& fact = detail_of<account_fact>(given);
  bool plan_is_new = fact.plan.has_value();
  bool credits_are_new = fact.credits_exhausted.has_value();
  bool zone_is_new = fact.time_zone.has_value();
  bool locale_is_new = fact.locale.has_value();
  for (const auto& other : accounts_) {
    const auto& known = detail_of<account_fact>(other);
    if (stamp(given) > stamp(other)) continue;
    plan_is_new = plan_is_new and not known.plan;
    credits_are_new = credits_are_new and not known.credits_exhausted;
    zone_is_new = zone_is_new and not known.time_zone;
    locale_is_new = locale_is_new and not known.locale;
  }
  if (not plan_is_new and not credits_are_new and not zone_is_new and not locale_is_new) return applied::stale;
  accounts_.push_back(given);
  const auto cause = event_id(given);
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (plan_is_new) upgrade(i, now, cause);
    refresh_lock(i, now, cause, plan_is_new ? reason::upgrade : reason::credits_restored);
    if (plan_is_new) refresh_restrictions(i, now, cause, reason::plan_changed, reason::plan_changed);
  }
  return applied::accepted;
}

void naive_user::refresh_lock(std::size_t slot, time_ms now, const std::string& cause, reason unlocked) {
  const bool only_keeps = slots_[slot]->kind == slot_kind::off and rules(slot).off == off_rule::nothing;
  const bool lock = not only_keeps and rules(slot).is_free(plan()) and credits_exhausted();
  if (lock == history_[slot].locked) return;
  history_[slot].locked = lock;
  write(slot, lock ? decision_kind::content_locked : decision_kind::content_unlocked,
        lock ? reason::credits_exhausted : unlocked, now, cause);
}

applied naive_user::conversation(const event& given) {
  const auto& fact = detail_of<conversation_fact>(given);
  for (const auto& other : conversations_)
    if (detail_of<conversation_fact>(other).conversation == fact.conversation and stamp(given) <= stamp(other))
      return applied::stale;
  conversations_.push_back(given);
  return applied::accepted;
}

void naive_user::erase(time_ms now, const event& given) {
  const auto& request = detail_of<erasure_request>(given);
  auto& written = write(0, decision_kind::user_erased, reason::erasure, now, event_id(given));
  written.who = request.actor;
  written.note = request.reason;
  written.sums = {};
  written.sum_count = 0;
  erased_at_ = std::max(given.instant, now);
  speech_.clear();
  accounts_.clear();
  conversations_.clear();
  ids_.clear();
  exempt_ = false;
  exempt_until_ = never;
  for (auto& each : history_) {
    slot_history left;
    left.last_strike = each.last_strike;
    left.last_request = each.last_request;
    each = std::move(left);
  }
}

} // namespace fairuse::model
