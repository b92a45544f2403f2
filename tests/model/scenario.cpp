// SPDX-License-Identifier: Apache-2.0
#include "tests/model/scenario.hpp"

#include <algorithm>
#include <map>
#include <ostream>
#include <sstream>

#include "core/query.hpp"

namespace fairuse::model {

namespace {

constexpr std::int64_t retention_ms = 8 * day_ms;
/// 2026-03-02T10:00:00Z, a Monday.
constexpr time_ms first_instant = 1'772'445'600'000;

template <class T>
T pick(std::uint8_t choice, std::initializer_list<T> from) {
  return *(from.begin() + choice % from.size());
}

void make_ladder(policy& p, std::uint8_t c) {
  step_rule warning;
  warning.at = stage::warning;
  warning.ends_after_ms = 2 * day_ms;
  step_rule throttle;
  throttle.at = stage::throttle;
  throttle.strikes = 1;
  throttle.within_ms = 3 * day_ms;
  throttle.ends_after_ms = day_ms;
  throttle.falls_to = stage::warning;
  throttle.economy_stt = true;
  step_rule restrict;
  restrict.at = stage::restrict;
  restrict.strikes = 2;
  restrict.within_ms = 3 * day_ms;
  restrict.ends_after_ms = 2 * day_ms;
  restrict.falls_to = stage::throttle;
  restrict.hard_caps = true;
  switch (c % 5) {
    case 0:
      break;
    case 1: // Only the last one ends.
      warning.ends_after_ms = throttle.ends_after_ms = 0;
      restrict.notify = false;
      break;
    case 2: // At the first strike, and straight to none.
      restrict.strikes = 0;
      restrict.falls_to = stage::none;
      p.steps = {restrict};
      return;
    case 3:
      warning.hard_caps = true;
      restrict.strikes = 1;
      restrict.within_ms = 12 * hour_ms;
      restrict.falls_to = stage::warning;
      p.steps = {warning, restrict};
      return;
    case 4: // Hard already in throttle.
      throttle.hard_caps = true;
      break;
  }
  p.steps = {warning, throttle, restrict};
}

void make_reviews(policy& p, const choices& c) {
  auto& r = p.review;
  r.cooldown_ms = pick<std::int64_t>(c[6], {12 * hour_ms, hour_ms, 10 * minute_ms, 0});
  if (c[7] % 2 == 1) {
    r.cleared_below_nano = 350'000'000;
    r.cleared_cooldown_ms = 3 * r.cooldown_ms;
  }
  r.check_interval_ms = pick<std::int64_t>(c[8], {0, 5 * minute_ms});
  r.timeout_ms = pick<std::int64_t>(c[9], {30 * minute_ms, 2 * minute_ms, day_ms});
  r.retry_after_ms = pick<std::int64_t>(c[10], {0, 15 * minute_ms, 5 * hour_ms, 13 * hour_ms});
  r.lookback_ms = pick<std::int64_t>(c[10], {7 * day_ms, day_ms});
  r.last_stage = pick(c[11], {at_last_stage::skip, at_last_stage::review});
  r.shadow_asks = c[11] % 4 >= 2;
}

void make_windows(policy& p, const choices& c) {
  const window_rule daily{"daily", 24 * hour_ms, 20 * minute_ms};
  const window_rule weekly{"weekly", 168 * hour_ms, 45 * minute_ms};
  const window_rule hourly{"hourly", hour_ms, 10 * minute_ms};
  switch (c[3] % 3) {
    case 0:
      p.windows = {daily, {"3day", 72 * hour_ms, 30 * minute_ms}, weekly};
      break;
    case 1:
      p.windows = {hourly};
      break;
    case 2: // The wider one may be exceeded alone.
      p.windows = {daily, {"half", 12 * hour_ms, 20 * minute_ms}};
      break;
  }
  plan_rule raised{"unlimited", {}};
  for (const auto& w : p.windows)
    raised.caps_ms.push_back(2 * w.cap_ms);
  if (c[4] % 2 == 0) p.plans = {raised};
  if (c[4] % 4 < 3) p.free_plans = {"basic"};
  p.ceiling.cap_ms = pick<std::int64_t>(c[5], {0, 40 * minute_ms, 15 * minute_ms});
  p.ceiling.span_ms = pick<std::int64_t>(c[5], {day_ms, day_ms, 2 * hour_ms, day_ms});
  p.ceiling.refuses_uploads = c[5] % 5 != 4;
}

} // namespace

policy make_policy(const choices& c, const std::string& name) {
  policy p;
  p.name = name;
  p.digest = "digest-of-" + name;
  p.metering.bucket_s = pick(c[0], {60, 60, 300});
  p.metering.basis = pick(c[1], {time_basis::event, time_basis::arrival});
  p.metering.fresh_within_ms = pick<std::int64_t>(c[2], {day_ms, 0, 2 * hour_ms});
  make_windows(p, c);
  make_reviews(p, c);
  p.counts = pick(c[12], {strike_basis::qualifying, strike_basis::finished_reviews});
  make_ladder(p, c[13]);
  p.budget.per_utc_day_ms = pick<std::int64_t>(c[14], {5 * minute_ms, 0});
  p.budget.at = pick(c[15], {stage::restrict, stage::throttle, stage::warning});
  p.budget.track_from_trigger = c[15] % 2 == 0;
  p.budget.charge_uploads = c[14] % 3 != 1;
  p.budget.charge_stt = c[14] % 5 != 2;
  p.hard = pick(c[16], {hard_caps::plan, hard_caps::base});
  p.retry = c[16] % 3 == 2 ? hard_retry::deadline : hard_retry::drain;
  p.on_upgrade =
      pick(c[17], {upgrade_rule::clear_free_strikes, upgrade_rule::clear_if_last_free, upgrade_rule::nothing});
  p.on_reset = pick(c[18], {reset_rule::clear_strikes, reset_rule::keep});
  p.off = pick(c[19], {off_rule::shadow, off_rule::nothing});
  if (c[19] % 4 == 2) p.enforced_lanes = {true, false, true, false};
  if (c[19] % 8 == 5) p.enforced_lanes = {true, true, true, true};
  return p;
}

std::ostream& operator<<(std::ostream& out, const scenario& p) {
  const auto numbers = [&out](const choices& c) {
    out << "{{";
    for (std::size_t i = 0; i < c.size(); ++i)
      out << (i > 0 ? ", " : "") << int{c[i]};
    out << "}}";
  };
  out << std::boolalpha << "{" << p.alone << ", " << p.starts_off << ", ";
  numbers(p.live);
  out << ", {";
  for (const auto& s : p.shadows) {
    numbers(s);
    out << ", ";
  }
  out << "}, {";
  for (const auto& a : p.actions)
    out << "{verb{" << static_cast<int>(a.what) << "}, " << int{a.gap} << ", " << int{a.a} << ", " << int{a.b} << "}, ";
  return out << "}}";
}

std::string describe(const decision& d) {
  std::ostringstream out;
  out << d.time << ' ' << (d.slot != nullptr ? d.slot->slot + "/" + d.slot->policy : "?") << ' ' << to_text(d.kind)
      << " why=" << to_text(d.why) << " cause=" << d.cause << " sums=";
  for (std::size_t i = 0; i < d.sum_count; ++i)
    out << d.sums[i] << ',';
  out << " window=" << int{d.window} << " exceeded=" << int{d.exceeded} << " recipes=" << int{d.recipes}
      << " restriction=" << static_cast<int>(d.restriction) << " words=" << static_cast<int>(d.words) << ' '
      << to_text(d.from) << '>' << to_text(d.to) << " type=" << to_text(d.type) << " scored=" << d.scored
      << d.qualifying << ' ' << d.score_nano << " sum=" << d.sum_ms << " cap=" << d.cap_ms << " until=";
  if (d.until == never)
    out << "never";
  else
    out << d.until;
  out << " request=" << d.request << " strike=" << d.strike << " prior=" << d.prior_7d << ',' << d.prior_30d
      << " who=" << d.who << " note=" << d.note;
  return out.str();
}

namespace {

/// Core on its own, driven the way a shard drives it.
class scenario_run {
public:
  explicit scenario_run(const scenario& p);
  std::string act(const action& a);
  std::string close();
  recording take_record();
  recording recorded;

private:
  event fact(event_kind kind, time_ms instant, event_detail detail);
  time_ms gap(std::uint8_t choice) const;
  void make_event(const action& a);
  void speak(const action& a);
  void speak_segments(const action& a);
  void change_account(const action& a);
  void answer(const action& a);
  void answer_oddly(const action& a);
  void admin(const action& a);
  void converse(const action& a);
  void command(admin_command what);
  std::string run();
  std::string run_promotion(const event& e, time_ms previous);
  std::string take(const event& e);
  void load_older_ids(const std::vector<event>& events);
  std::string check() const;
  std::int64_t to_cap(std::uint8_t choice) const;

  naive_user model_;
  std::vector<std::shared_ptr<const policy_set>> sets_;
  controls in_force_;
  user user_;
  step_output out_;
  time_ms now_ = first_instant;
  time_ms last_now_ = INT64_MIN;
  int serial_ = 0;
  sealed_epoch next_;
  std::vector<event> past_;
  std::map<std::string, std::uint32_t> asked_;
  /// Ids as a store has them, which older hours are read from.
  std::map<hour_number, std::vector<std::uint64_t>> stored_ids_;
};

std::vector<policy> shadows_of(const scenario& p) {
  std::vector<policy> shadows;
  for (const auto& c : p.shadows) {
    shadows.push_back(make_policy(c, std::string(1, static_cast<char>('a' + shadows.size()))));
    // Nothing is promised of a slot `off` that one promotion ends and another one begins again.
    shadows.back().off = make_policy(p.live, "").off;
  }
  return shadows;
}

scenario_run::scenario_run(const scenario& p)
  : model_(make_policy(p.live, "fair"), shadows_of(p), retention_ms,
           p.alone ? review_mode::alone : review_mode::shared) {
  sets_.push_back(policy_set::make(make_policy(p.live, "fair"), shadows_of(p), retention_ms,
                                   p.alone ? review_mode::alone : review_mode::shared));
  in_force_ = {not p.starts_off, false, sets_.back().get()};
  model_.set_controls(in_force_.enabled, in_force_.killed);
  recorded.arena = std::make_shared<event_arena>();
  recorded.policies = sets_.back();
  recorded.starts_off = p.starts_off;
}

time_ms scenario_run::gap(std::uint8_t choice) const {
  const auto midnight = (now_ / day_ms + 1) * day_ms - now_;
  const auto due = model_.next_due();
  const auto to_due = due == never or due < now_ ? minute_ms : due - now_;
  const auto cooldown = model_.rules(0).review.cooldown_ms;
  const auto span = model_.rules(0).windows.front().span_ms;
  const std::initializer_list<time_ms> gaps{0,
                                            0,
                                            0,
                                            0,
                                            0,
                                            1,
                                            second_ms,
                                            minute_ms,
                                            5 * minute_ms,
                                            5 * minute_ms + 1,
                                            30 * minute_ms,
                                            30 * minute_ms + 1,
                                            hour_ms,
                                            3 * hour_ms,
                                            12 * hour_ms,
                                            midnight,
                                            midnight - 1,
                                            midnight + 1,
                                            day_ms,
                                            3 * day_ms,
                                            7 * day_ms,
                                            40 * day_ms,
                                            to_due,
                                            to_due - 1,
                                            to_due + 1,
                                            cooldown,
                                            cooldown + 1,
                                            span + second_ms};
  return *(gaps.begin() + choice % gaps.size());
}

event scenario_run::fact(event_kind kind, time_ms instant, event_detail detail) {
  event e;
  e.kind = kind;
  e.time = e.instant = instant;
  e.text = recorded.arena->keep(serial_ % 3 == 0 ? "box" : "app", "e" + std::to_string(serial_ * 7 % 1000));
  ++serial_;
  e.key = event_key(e.text->source, e.text->id);
  if (not std::holds_alternative<std::monostate>(detail)) e.detail = recorded.arena->keep(std::move(detail));
  return e;
}

std::int64_t scenario_run::to_cap(std::uint8_t choice) const {
  const auto slot = choice % model_.slots();
  const auto window = choice % model_.rules(slot).windows.size();
  return std::max<std::int64_t>(1, model_.cap(slot, window) - model_.sum(slot, window, now_));
}

void scenario_run::speak(const action& a) {
  auto at = now_;
  if (a.what == verb::speak_late) {
    const auto span = model_.rules(0).windows.front().span_ms;
    at -=
        pick<time_ms>(a.b, {1, hour_ms, 2 * hour_ms, 2 * hour_ms + 1, day_ms, day_ms + 1, span, span + second_ms,
                            8 * day_ms, 8 * day_ms + 1, 3 * day_ms, -5 * minute_ms, -5 * minute_ms - 1, 25 * hour_ms});
  }
  auto e = fact(event_kind::speech, at, {});
  e.from = pick(a.b, {lane::realtime, lane::sync, lane::realtime, lane::backfill, lane::custom, lane::sync});
  e.ms = static_cast<std::int32_t>(
      pick<std::int64_t>(a.a, {5 * minute_ms, to_cap(a.b), to_cap(a.b) + 1, to_cap(a.b) - 1, 0, 9 * minute_ms, 1,
                               minute_ms, 22 * minute_ms, 50 * minute_ms, 0, 600'000'000}));
  next_.events.push_back(e);
}

void scenario_run::speak_segments(const action& a) {
  const auto base = pick<std::uint32_t>(a.b, {60'000, 59'999, 7'200'000, 600'000});
  speech_segments spoken;
  spoken.segments = {{0, base}, {base / 2, base + 1}, {base + 60'000, base + 60'500}, {base + 60'500, base + 180'001}};
  if (a.a % 3 == 1) spoken.segments = {{base, base + 500}, {0, 1}, {5, 5}, {base, base + 400}};
  if (a.a % 3 == 2) std::reverse(spoken.segments.begin(), spoken.segments.end());
  std::uint32_t end = 0;
  for (const auto& s : spoken.segments)
    end = std::max(end, s.end_ms);
  auto e = fact(event_kind::speech, now_, spoken);
  e.time = now_ - pick<time_ms>(a.a, {end, end, 0, 2 * hour_ms, day_ms + end}) + (a.b % 7 == 0 ? 1 : 0);
  e.instant = e.time + end;
  e.from = pick(a.b, {lane::realtime, lane::sync, lane::realtime, lane::backfill});
  next_.events.push_back(e);
}

void scenario_run::change_account(const action& a) {
  account_fact fact_of_it;
  if (a.a % 4 != 3) fact_of_it.plan = pick<std::string>(a.a, {"basic", "unlimited", "pro"});
  if (a.b % 3 != 2) fact_of_it.credits_exhausted = a.b % 3 == 0;
  if (a.b % 5 == 4) fact_of_it.time_zone = "Europe/Berlin";
  const auto at = now_ - pick<time_ms>(a.b, {0, 0, 0, 1, day_ms});
  next_.events.push_back(fact(event_kind::account, at, fact_of_it));
}

void scenario_run::answer(const action& a) {
  review_answer answer_of_it;
  const auto slot =
      asked_.size() > 1 and a.b % 4 == 3 ? std::next(asked_.begin(), a.b % asked_.size()) : asked_.find("live");
  if (slot == asked_.end()) return;
  answer_of_it.request = slot->first + "-" + std::to_string(slot->second);
  answer_of_it.score_nano =
      pick(a.a, {900'000'000, 700'000'000, 699'999'999, 350'000'000, 349'999'999, 1'000'000'000, 800'000'000, 0});
  answer_of_it.type = pick(a.a, {usage_type::audiobook, usage_type::podcast, usage_type::none});
  if (a.b % 6 == 5) answer_of_it.failed = "no answer";
  next_.events.push_back(fact(event_kind::review, now_, answer_of_it));
}

void scenario_run::answer_oddly(const action& a) {
  review_answer answer_of_it;
  answer_of_it.request = pick<std::string>(a.a, {"live-1", "live-2", "off-1", "nobody-1", "live-999", "live-", "live-0",
                                                 "a-1", "live--1", "live", "live-3", "live-4294967297", "live-1 "});
  answer_of_it.score_nano = 900'000'000;
  next_.events.push_back(fact(event_kind::review, now_ - pick<time_ms>(a.b, {0, 1}), answer_of_it));
}

void scenario_run::admin(const action& a) {
  admin_command what;
  what.actor = "ada";
  what.reason = "because";
  what.verb = pick(a.a, {admin_verb::set_stage, admin_verb::reset, admin_verb::clear_strike, admin_verb::exempt,
                         admin_verb::set_stage, admin_verb::clear_strike, admin_verb::resolve, admin_verb::exempt});
  what.to = pick(a.b, {stage::restrict, stage::throttle, stage::warning, stage::none});
  what.strike = a.b % 5U;
  what.on = a.b % 2 == 0;
  next_.events.push_back(fact(event_kind::admin, now_ - pick<time_ms>(a.b, {0, 0, 1}), what));
}

void scenario_run::converse(const action& a) {
  const int count = 1 + a.a % 7;
  for (int i = 0; i < count; ++i) {
    conversation_fact talk;
    talk.conversation = "c" + std::to_string(a.b % 5 == 0 ? i : serial_ % 40);
    talk.category = a.b % 2 == 0 ? "work" : std::to_string(serial_ % 5);
    talk.duration_ms =
        pick<std::int64_t>(a.b, {hour_ms + 1, hour_ms, 25 * minute_ms, 90 * minute_ms, minute_ms * serial_});
    next_.events.push_back(fact(event_kind::conversation, now_ - pick<time_ms>(a.b, {0, hour_ms, 8 * day_ms}), talk));
  }
}

void scenario_run::command(admin_command what) {
  what.actor = "ada";
  next_.commands.push_back(fact(event_kind::admin, now_, what));
}

void scenario_run::make_event(const action& a) {
  switch (a.what) {
    case verb::speak:
    case verb::speak_late:
      return speak(a);
    case verb::speak_segments:
      return speak_segments(a);
    case verb::send_stt: {
      auto e = fact(event_kind::stt, now_ - pick<time_ms>(a.b, {0, 0, 1, hour_ms, day_ms}), {});
      e.ms = pick(a.a, {60'000, 300'000, 299'999, 1, 0});
      next_.events.push_back(e);
      return;
    }
    case verb::change_account:
      return change_account(a);
    case verb::answer:
      return answer(a);
    case verb::answer_oddly:
      return answer_oddly(a);
    case verb::admin:
      return admin(a);
    case verb::repeat:
      if (not past_.empty()) next_.events.push_back(past_[past_.size() - 1 - a.a % past_.size()]);
      return;
    case verb::command: {
      admin_command what;
      what.verb = a.a % 2 == 0 ? admin_verb::enable : admin_verb::kill_switch;
      what.on = a.b % 2 == 0;
      return command(what);
    }
    case verb::promote: {
      admin_command what;
      what.verb = admin_verb::promote_policy;
      what.policy = a.a % 2 == 0 ? "a" : "b";
      return command(what);
    }
    case verb::erase:
      next_.events.push_back(
          fact(event_kind::erasure, now_ - pick<time_ms>(a.b, {0, 1, day_ms}), erasure_request{"ada", "on request"}));
      return;
    case verb::converse:
      return converse(a);
  }
}

std::string scenario_run::act(const action& a) {
  // Gap 0 stays in the epoch; promotions get one of their own, so that "before it" needs no second definition.
  const bool apart = a.gap % gap_count != 0 or a.what == verb::promote;
  std::string wrong;
  if (apart) wrong = run();
  now_ += std::max<time_ms>(0, gap(a.gap));
  make_event(a);
  if (a.what == verb::promote and wrong.empty()) wrong = run();
  return wrong;
}

std::string scenario_run::close() { return run(); }

recording scenario_run::take_record() {
  recorded.decisions = out_.decisions;
  recorded.sets = sets_;
  return std::move(recorded);
}

std::string scenario_run::run_promotion(const event& e, time_ms previous) {
  const auto& what = detail_of<admin_command>(e);
  const auto after = in_force_.policies->promoted(what.policy);
  if (after == nullptr) {
    if (model_.next_due() <= now_) {
      advance(user_, in_force_, now_, out_);
      model_.advance(now_);
    }
    return check();
  }
  sets_.push_back(after);
  const auto before = in_force_;
  in_force_.policies = after.get();
  // Who has a timer gets steps: one under what held before the command's instant, one under what holds now.
  const bool due = model_.next_due() != never;
  if (due and now_ - 1 > previous) {
    advance(user_, before, now_ - 1, out_);
    model_.advance(now_ - 1);
  }
  model_.promote(what.policy);
  if (due) {
    advance(user_, in_force_, now_, out_);
    model_.advance(now_);
  }
  return check();
}

void scenario_run::load_older_ids(const std::vector<event>& events) {
  for (const auto& e : events)
    if (needs_older_ids(e, now_)) user_.ids.load(hour_of(e.instant), stored_ids_[hour_of(e.instant)]);
}

std::string scenario_run::take(const event& e) {
  past_.push_back(e);
  const auto how = apply(user_, in_force_, now_, e, horizon_wall_ms, out_);
  const auto expected = model_.apply(now_, e, horizon_wall_ms);
  if (how == applied::accepted and (e.kind == event_kind::speech or e.kind == event_kind::stt))
    stored_ids_[hour_of(e.instant)].push_back(e.key);
  if (how == applied::accepted and e.kind == event_kind::erasure) stored_ids_.clear();
  if (how == expected) return {};
  return "event " + event_id(e) + ": core says " + std::to_string(static_cast<int>(how)) + ", the model "
         + std::to_string(static_cast<int>(expected));
}

std::string scenario_run::run() {
  if (next_.events.empty() and next_.commands.empty()) return {};
  next_.now = now_;
  recorded.epochs.push_back(next_);
  auto epoch = std::move(next_);
  next_ = {};
  const auto previous = std::exchange(last_now_, now_);
  if (not epoch.commands.empty() and detail_of<admin_command>(epoch.commands[0]).verb == admin_verb::promote_policy)
    return run_promotion(epoch.commands[0], previous);
  auto all = epoch.events;
  all.insert(all.end(), epoch.commands.begin(), epoch.commands.end());
  std::stable_sort(all.begin(), all.end(), before);
  if (not epoch.events.empty() or model_.next_due() <= now_) {
    advance(user_, in_force_, now_, out_);
    load_older_ids(epoch.events);
    model_.advance(now_);
  }
  for (const auto& e : all) {
    const auto same = [&e](const event& c) { return c.key == e.key; };
    if (std::any_of(epoch.commands.begin(), epoch.commands.end(), same)) {
      const auto& what = detail_of<admin_command>(e);
      (what.verb == admin_verb::enable ? in_force_.enabled : in_force_.killed) = what.on;
      model_.set_controls(in_force_.enabled, in_force_.killed);
      continue;
    }
    if (const auto wrong = take(e); not wrong.empty()) return wrong;
  }
  for (const auto& d : out_.decisions)
    if (d.kind == decision_kind::review_requested) asked_[d.slot->slot] = d.request;
  return check();
}

std::string scenario_run::check() const {
  const auto& core = out_.decisions;
  const auto& model = model_.decisions;
  for (std::size_t i = 0; i < std::max(core.size(), model.size()); ++i) {
    const auto is = i < core.size() ? describe(core[i]) : "nothing";
    const auto expected = i < model.size() ? describe(model[i]) : "nothing";
    if (is != expected)
      return "decision " + std::to_string(i) + " at " + std::to_string(now_) + "\n  core:  " + is
             + "\n  model: " + expected;
  }
  if (out_.counts.review_terminal != model_.terminal_count or out_.counts.review_pending != model_.pending_count
      or out_.counts.review_cooldown != model_.cooldown_count)
    return "why no review was asked for, at " + std::to_string(now_);
  for (std::size_t slot = 0; slot < model_.slots(); ++slot) {
    if (user_.sums.policies != in_force_.policies) break;
    const auto v = query_standing(user_, in_force_, slot, now_);
    if (v.at != model_.stage_of(slot)) return "stage of slot " + std::to_string(slot);
    for (std::size_t w = 0; w < v.windows.size(); ++w)
      if (v.windows[w].sum_ms != model_.sum(slot, w, now_) or v.windows[w].cap_ms != model_.cap(slot, w))
        return "window " + std::to_string(w) + " of slot " + std::to_string(slot);
  }
  return {};
}

} // namespace

std::string compare(const scenario& p, recording* record) {
  scenario_run on_stage(p);
  std::string wrong;
  for (const auto& a : p.actions)
    if (wrong = on_stage.act(a); not wrong.empty()) break;
  if (wrong.empty()) wrong = on_stage.close();
  if (record != nullptr) *record = on_stage.take_record();
  return wrong;
}

} // namespace fairuse::model
