// SPDX-License-Identifier: Apache-2.0
#include "tests/model/naive_user.hpp"

#include <algorithm>
#include <utility>

namespace fairuse::model {

namespace {

std::string source_of(const event& e) { return e.text != nullptr ? std::string(e.text->source) : std::string(); }

std::tuple<time_ms, std::string, std::string> stamp(const event& e) { return {e.time, source_of(e), event_id(e)}; }

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
    auto& p = all_slots_.emplace_back();
    p.kind = kind;
    p.rules = rules;
    p.label = {name, kind == slot_kind::live, rules.name, rules.digest, {}};
    for (const auto& w : rules.windows)
      p.label.windows.push_back(w.name);
    slots_.push_back(&p);
  };
  add(slot_kind::live, "live", live);
  if (live.off == off_rule::shadow) add(slot_kind::off, "off", live);
  std::sort(shadows.begin(), shadows.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  for (const auto& s : shadows)
    add(slot_kind::shadow, s.name, s);
}

void naive_user::set_controls(bool enabled, bool killed) {
  enabled_ = enabled;
  killed_ = killed;
}

void naive_user::promote(const std::string& shadow) {
  std::optional<policy> chosen;
  std::vector<policy> others;
  for (const auto* p : slots_) {
    if (p->kind != slot_kind::shadow) continue;
    if (p->rules.name == shadow)
      chosen = p->rules;
    else
      others.push_back(p->rules);
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
    for (std::size_t k = 0; k < before.size(); ++k)
      if (before[k]->label.slot == slots_[i]->label.slot) {
        history_[i] = std::move(old[k]);
        history_[i].base = {history_[i].ladder.size(), stood[k]};
        history_[i].ever_promoted = true;
        history_[i].recheck = history_[i].hard or history_[i].ceiling;
      }
}

bool naive_user::judges(std::size_t slot) const {
  if (killed_ or exempt_) return false;
  const auto kind = slots_[slot]->kind;
  return kind == slot_kind::shadow or enabled_ == (kind == slot_kind::live);
}

decision& naive_user::write(std::size_t slot, decision_kind kind, reason why, time_ms at, const std::string& cause) {
  decision d;
  d.kind = kind;
  d.why = why;
  d.slot = &slots_[slot]->label;
  d.time = at;
  d.cause = cause;
  d.sum_count = static_cast<std::uint8_t>(rules(slot).windows.size());
  for (std::size_t w = 0; w < d.sum_count; ++w)
    d.sums[w] = sum(slot, w, at);
  decisions.push_back(std::move(d));
  return decisions.back();
}

naive_user::timer naive_user::next_timer() const {
  timer first;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const auto& h = history_[i];
    if (const auto until = now_at(i).until; until != never) first = std::min(first, timer{until + 1, 0, i});
    for (const auto& c : h.charges)
      if (h.days_reset.count(day_of(c.at)) == 0) first = std::min(first, timer{(day_of(c.at) + 1) * day_ms, 1, i});
    if (h.pending != 0) first = std::min(first, timer{h.pending_until + 1, 2, i});
    if (const auto due = next_drain(i)) first = std::min(first, timer{*due, 3, i});
  }
  return first;
}

void naive_user::advance(time_ms now) {
  // What another policy held is checked when the promotion is carried out.
  for (auto& h : history_)
    if (std::exchange(h.recheck, false)) h.restrictions_seen = now;
  for (auto t = next_timer(); t.due <= now; t = next_timer())
    fire(t);
}

void naive_user::fire(const timer& t) {
  auto& h = history_[t.slot];
  if (t.kind == 0) {
    const auto was = now_at(t.slot);
    h.ends_passed_until = t.due;
    write_stage_change(t.slot, t.due, "", was, reason::stage_ended, usage_type::none, "", "");
  } else if (t.kind == 1) {
    const auto day = day_of(t.due) - 1;
    auto& d = write(t.slot, decision_kind::budget_reset, reason::budget_day_over, t.due, "");
    d.sum_ms = used(t.slot, day);
    d.cap_ms = rules(t.slot).budget.per_utc_day_ms;
    h.days_reset.insert(day);
    h.exhausted = false;
  } else if (t.kind == 2) {
    const auto number = h.pending;
    h.pending = 0;
    h.timed_out.insert(number);
    fail(t.slot, t.due, "", decision_kind::review_timed_out, reason::review_timed_out, "", number);
  } else {
    drain(t.slot, t.due);
  }
}

applied naive_user::apply(time_ms now, const event& e, std::int64_t horizon_ms) {
  if (e.instant > now + horizon_ms) return applied::future;
  const bool metered = e.kind == event_kind::speech or e.kind == event_kind::stt;
  if (metered and e.instant < now - retention_ms_) return applied::too_old;
  if (e.instant <= erased_at_) return e.kind == event_kind::erasure ? applied::duplicate : applied::erased;
  if (metered and not ids_.insert({e.instant / hour_ms, source_of(e), event_id(e)}).second) return applied::duplicate;
  switch (e.kind) {
    case event_kind::speech:
      return speech(now, e);
    case event_kind::stt:
      return stt(now, e);
    case event_kind::account:
      return account(now, e);
    case event_kind::conversation:
      return conversation(e);
    case event_kind::review:
      return answer(now, e);
    case event_kind::admin:
      if (not ids_for_ever_.insert({source_of(e), event_id(e)}).second) return applied::duplicate;
      command(now, e);
      return applied::accepted;
    case event_kind::erasure:
      erase(now, e);
      return applied::accepted;
  }
  return applied::accepted;
}

applied naive_user::speech(time_ms now, const event& e) {
  const auto cause = event_id(e);
  const bool upload = e.from == lane::sync;
  std::vector<bool> charged(slots_.size());
  for (std::size_t i = 0; i < slots_.size(); ++i)
    charged[i] = upload and rules(i).budget.charge_uploads and tracked(i, now);
  const metered_event h{e, now, not enabled_};
  speech_.push_back(h);
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (not judges(i)) continue;
    const bool refused = upload and (history_[i].hard or history_[i].ceiling or blocks(i, now));
    evaluate(i, now, h, cause);
    if (charged[i] and not refused) charge_budget(i, now, e, speech_of(e), cause);
  }
  return applied::accepted;
}

std::uint8_t naive_user::exceeded(std::size_t slot, time_ms at) const {
  std::uint8_t bits = 0;
  for (std::size_t w = 0; w < rules(slot).windows.size(); ++w)
    if (sum(slot, w, at) > cap(slot, w)) bits = static_cast<std::uint8_t>(bits | 1U << w);
  return bits;
}

void naive_user::evaluate(std::size_t slot, time_ms now, const metered_event& h, const std::string& cause) {
  const auto& r = rules(slot);
  const bool late = r.metering.fresh_within_ms > 0 and now - h.what.instant > r.metering.fresh_within_ms;
  const auto from = late ? lane::backfill : h.what.from;
  if (not r.enforced_lanes[static_cast<std::size_t>(from)]) return;
  for (std::size_t w = 0; w < r.windows.size(); ++w) {
    const auto with = sum(slot, w, now);
    const auto without = with - of_event(*slots_[slot], r.windows[w].span_ms, now, h);
    if (without > cap(slot, w) or with <= cap(slot, w)) continue;
    auto& d = write(slot, decision_kind::cap_crossed, reason::cap_exceeded, now, cause);
    d.window = static_cast<std::uint8_t>(w);
    d.sum_ms = with;
    d.cap_ms = cap(slot, w);
  }
  refresh_restrictions(slot, now, cause, reason::cap_exceeded, reason::usage_restored);
  if (const auto bits = exceeded(slot, now); bits != 0) ask(slot, now, cause, bits);
}

applied naive_user::stt(time_ms now, const event& e) {
  for (std::size_t i = 0; i < slots_.size(); ++i)
    if (e.ms > 0 and judges(i) and rules(i).budget.charge_stt and tracked(i, now) and not blocks(i, now))
      charge_budget(i, now, e, e.ms, event_id(e));
  return applied::accepted;
}

std::int64_t naive_user::used(std::size_t slot, std::int64_t day) const {
  std::int64_t sum = 0;
  for (const auto& c : history_[slot].charges)
    if (day_of(c.at) == day) sum += c.ms;
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

void naive_user::charge_budget(std::size_t slot, time_ms now, const event& e, std::int64_t ms,
                               const std::string& cause) {
  if (ms <= 0 or day_of(e.instant) < day_of(now)) return;
  history_[slot].charges.push_back({now, ms});
  refresh_exhausted(slot, now, cause);
}

void naive_user::refresh_exhausted(std::size_t slot, time_ms at, const std::string& cause) {
  auto& h = history_[slot];
  const bool was = h.exhausted;
  h.exhausted = blocks(slot, at);
  if (was or not h.exhausted) return;
  auto& d = write(slot, decision_kind::budget_exhausted, reason::budget_spent, at, cause);
  d.sum_ms = used(slot, day_of(at));
  d.cap_ms = rules(slot).budget.per_utc_day_ms;
  d.until = (day_of(at) + 1) * day_ms;
}

std::string naive_user::plan() const {
  const event* newest = nullptr;
  for (const auto& e : accounts_)
    if (detail_of<account_fact>(e).plan and (newest == nullptr or stamp(e) > stamp(*newest))) newest = &e;
  return newest != nullptr ? *detail_of<account_fact>(*newest).plan : "basic";
}

bool naive_user::credits_exhausted() const {
  const event* newest = nullptr;
  for (const auto& e : accounts_)
    if (detail_of<account_fact>(e).credits_exhausted and (newest == nullptr or stamp(e) > stamp(*newest))) newest = &e;
  return newest != nullptr and *detail_of<account_fact>(*newest).credits_exhausted;
}

applied naive_user::account(time_ms now, const event& e) {
  const auto& fact = detail_of<account_fact>(e);
  bool plan_is_new = fact.plan.has_value();
  bool credits_are_new = fact.credits_exhausted.has_value();
  bool zone_is_new = fact.time_zone.has_value();
  for (const auto& other : accounts_) {
    const auto& known = detail_of<account_fact>(other);
    if (stamp(e) > stamp(other)) continue;
    plan_is_new = plan_is_new and not known.plan;
    credits_are_new = credits_are_new and not known.credits_exhausted;
    zone_is_new = zone_is_new and not known.time_zone;
  }
  if (not plan_is_new and not credits_are_new and not zone_is_new) return applied::stale;
  accounts_.push_back(e);
  const auto cause = event_id(e);
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (plan_is_new) upgrade(i, now, cause);
    refresh_lock(i, now, cause, plan_is_new ? reason::upgrade : reason::credits_restored);
    if (plan_is_new) refresh_restrictions(i, now, cause, reason::plan_changed, reason::plan_changed);
  }
  return applied::accepted;
}

void naive_user::refresh_lock(std::size_t slot, time_ms now, const std::string& cause, reason unlocked) {
  const bool lock = rules(slot).is_free(plan()) and credits_exhausted();
  if (lock == history_[slot].locked) return;
  history_[slot].locked = lock;
  write(slot, lock ? decision_kind::content_locked : decision_kind::content_unlocked,
        lock ? reason::credits_exhausted : unlocked, now, cause);
}

applied naive_user::conversation(const event& e) {
  const auto& fact = detail_of<conversation_fact>(e);
  for (const auto& other : conversations_)
    if (detail_of<conversation_fact>(other).conversation == fact.conversation and stamp(e) <= stamp(other))
      return applied::stale;
  conversations_.push_back(e);
  return applied::accepted;
}

void naive_user::erase(time_ms now, const event& e) {
  const auto& request = detail_of<erasure_request>(e);
  auto& d = write(0, decision_kind::user_erased, reason::erasure, now, event_id(e));
  d.who = request.actor;
  d.note = request.reason;
  d.sums = {};
  d.sum_count = 0;
  erased_at_ = std::max(e.instant, now);
  speech_.clear();
  accounts_.clear();
  conversations_.clear();
  ids_.clear();
  exempt_ = false;
  for (auto& h : history_) {
    slot_history left;
    left.last_strike = h.last_strike;
    left.last_request = h.last_request;
    h = std::move(left);
  }
}

} // namespace fairuse::model
