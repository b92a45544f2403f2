// SPDX-License-Identifier: Apache-2.0
#include "tests/model/scenario.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <ostream>
#include <sstream>

#include "core/query.hpp"
#include "tests/model/run_follower.hpp"

namespace fairuse::model {

namespace {

constexpr std::int64_t retention_ms = 8 * day_ms;
/// 2026-03-02T10:00:00Z, a Monday.
constexpr time_ms first_instant = 1'772'445'600'000;

} // namespace

std::ostream& operator<<(std::ostream& out, const scenario& what) {
  const auto numbers = [&out](const choices& chosen) {
    out << "{{";
    for (std::size_t i = 0; i < chosen.size(); ++i)
      out << (i > 0 ? ", " : "") << int{chosen[i]};
    out << "}}";
  };
  out << std::boolalpha << "{" << what.alone << ", " << what.starts_off << ", ";
  numbers(what.live);
  out << ", {";
  for (const auto& each : what.shadows) {
    numbers(each);
    out << ", ";
  }
  out << "}, {";
  for (const auto& each : what.actions)
    out << "{verb{" << static_cast<int>(each.what) << "}, " << int{each.gap} << ", " << int{each.choice} << ", "
        << int{each.variant} << "}, ";
  return out << "}}";
}

namespace {

std::string said_text(const shared_details& said) {
  if (said == nullptr) return "nothing";
  std::ostringstream out;
  out << said->confidence_nano.value_or(-1) << ' ' << said->model << '/' << said->prompt_version << ' '
      << said->cost_micro.value_or(-1);
  for (const auto& line : said->evidence)
    out << ' ' << line;
  return out.str();
}

} // namespace

std::string describe(const decision& what) {
  std::ostringstream out;
  out << what.time << ' ' << (what.slot != nullptr ? what.slot->slot + "/" + what.slot->policy : "?") << ' '
      << to_text(what.kind) << " why=" << to_text(what.why) << " cause=" << what.cause << " sums=";
  for (std::size_t i = 0; i < what.sum_count; ++i)
    out << what.sums[i] << ',';
  out << " window=" << int{what.window} << " exceeded=" << int{what.exceeded} << " recipes=" << int{what.recipes}
      << " restriction=" << static_cast<int>(what.restriction) << " words=" << static_cast<int>(what.words) << ' '
      << to_text(what.from) << '>' << to_text(what.to) << " type=" << to_text(what.type) << " scored=" << what.scored
      << what.qualifying << ' ' << what.score_nano << " sum=" << what.sum_ms << " cap=" << what.cap_ms << " until=";
  if (what.until == never)
    out << "never";
  else
    out << what.until;
  out << " request=" << what.request << " strike=" << what.strike << " prior=" << what.prior_7d << ',' << what.prior_30d
      << " said=" << said_text(what.said) << " who=" << what.who << " note=" << what.note
      << " promoted=" << what.promoted;
  return out.str();
}

namespace {

/// Core alone, called as a shard calls it.
class scenario_run {
public:
  explicit scenario_run(const scenario& from);
  std::string act(const action& given);
  std::string close();
  recording take_record();
  recording recorded;

private:
  event fact(event_kind kind, time_ms instant, event_detail detail);
  time_ms gap(std::uint8_t choice) const;
  void make_event(const action& given);
  void speak(const action& given);
  void speak_segments(const action& given);
  void repeat_restamped(const action& given);
  void change_account(const action& given);
  void answer(const action& given);
  void answer_oddly(const action& given);
  void admin(const action& given);
  time_ms exempt_until(std::uint8_t choice) const;
  void converse(const action& given);
  void command(admin_command what);
  std::string run();
  void advance_all();
  std::string run_promotion(const event& given, time_ms previous);
  std::string take(const event& given);
  void load_older_ids(const std::vector<event>& events);
  std::string check() const;
  std::int64_t to_cap(std::uint8_t choice) const;

  naive_user model_;
  std::vector<std::shared_ptr<const policy_set>> sets_;
  controls in_force_;
  user user_;
  step_output out_;
  run_follower in_runs_;
  time_ms now_ = first_instant;
  time_ms last_now_ = INT64_MIN;
  int serial_ = 0;
  sealed_epoch next_;
  std::vector<event> past_;
  std::map<std::string, std::uint32_t> asked_;
  /// Ids of older hours, as a store has them.
  std::map<hour_number, std::vector<std::uint64_t>> stored_ids_;
};

std::vector<policy> shadows_of(const scenario& from) {
  std::vector<policy> shadows;
  for (const auto& each : from.shadows)
    shadows.push_back(make_policy(each, std::string(1, static_cast<char>('a' + shadows.size()))));
  return shadows;
}

scenario_run::scenario_run(const scenario& from)
  : model_(make_policy(from.live, "fair"), shadows_of(from), retention_ms,
           from.alone ? review_mode::alone : review_mode::shared) {
  sets_.push_back(policy_set::make(make_policy(from.live, "fair"), shadows_of(from), retention_ms,
                                   from.alone ? review_mode::alone : review_mode::shared));
  in_force_ = {not from.starts_off, false, sets_.back().get()};
  in_runs_.use(in_force_);
  model_.set_controls(in_force_.enabled, in_force_.killed);
  recorded.arena = std::make_shared<event_arena>();
  recorded.policies = sets_.back();
  recorded.starts_off = from.starts_off;
}

time_ms scenario_run::gap(std::uint8_t choice) const {
  const auto midnight = (now_ / day_ms + 1) * day_ms - now_;
  const auto due = model_.next_due();
  const auto to_due = due == never or due < now_ ? minute_ms : due - now_;
  const auto cooldown = model_.rules(0).review.cooldown_ms;
  const auto span = model_.rules(0).windows.front().span_ms;
  // clang-format off
  const std::initializer_list<time_ms> gaps{
      0, 0, 0, 0, 0, 1, second_ms, minute_ms, 5 * minute_ms, 5 * minute_ms + 1, 30 * minute_ms, 30 * minute_ms +
      1, hour_ms, 3 * hour_ms, 12 * hour_ms, midnight, midnight - 1, midnight + 1, day_ms, 3 * day_ms, 7 * day_ms,
      40 * day_ms, to_due, to_due - 1, to_due + 1, cooldown, cooldown + 1, span + second_ms};
  // clang-format on
  return *(gaps.begin() + choice % gaps.size());
}

event scenario_run::fact(event_kind kind, time_ms instant, event_detail detail) {
  event made;
  made.kind = kind;
  made.time = made.instant = instant;
  made.text = recorded.arena->keep(serial_ % 3 == 0 ? "box" : "app", "e" + std::to_string(serial_ * 7 % 1000));
  ++serial_;
  made.key = event_key(made.text->source, made.text->id);
  if (not std::holds_alternative<std::monostate>(detail)) made.detail = recorded.arena->keep(std::move(detail));
  return made;
}

std::int64_t scenario_run::to_cap(std::uint8_t choice) const {
  const auto slot = choice % model_.slots();
  const auto window = choice % model_.rules(slot).windows.size();
  return std::max<std::int64_t>(1, model_.cap(slot, window) - model_.sum(slot, window, now_));
}

void scenario_run::speak(const action& given) {
  auto at = now_;
  if (given.what == verb::speak_late) {
    const auto span = model_.rules(0).windows.front().span_ms;
    at -= pick<time_ms>(given.variant,
                        {1, hour_ms, 2 * hour_ms, 2 * hour_ms + 1, day_ms, day_ms + 1, span, span + second_ms,
                         8 * day_ms, 8 * day_ms + 1, 3 * day_ms, -5 * minute_ms, -5 * minute_ms - 1, 25 * hour_ms});
  }
  auto made = fact(event_kind::speech, at, {});
  made.from =
      pick(given.variant, {lane::realtime, lane::sync, lane::realtime, lane::backfill, lane::custom, lane::sync});
  made.ms = static_cast<std::int32_t>(pick<std::int64_t>(
      given.choice, {5 * minute_ms, to_cap(given.variant), to_cap(given.variant) + 1, to_cap(given.variant) - 1, 0,
                     9 * minute_ms, 1, minute_ms, 22 * minute_ms, 50 * minute_ms, 0, 600'000'000}));
  next_.events.push_back(made);
}

void scenario_run::speak_segments(const action& given) {
  const auto base = pick<std::uint32_t>(given.variant, {60'000, 59'999, 7'200'000, 600'000});
  speech_segments spoken;
  spoken.segments = {{0, base}, {base / 2, base + 1}, {base + 60'000, base + 60'500}, {base + 60'500, base + 180'001}};
  if (given.choice % 3 == 1) spoken.segments = {{base, base + 500}, {0, 1}, {5, 5}, {base, base + 400}};
  if (given.choice % 3 == 2) std::reverse(spoken.segments.begin(), spoken.segments.end());
  std::uint32_t end = 0;
  for (const auto& each : spoken.segments)
    end = std::max(end, each.end_ms);
  auto made = fact(event_kind::speech, now_, spoken);
  made.time =
      now_ - pick<time_ms>(given.choice, {end, end, 0, 2 * hour_ms, day_ms + end}) + (given.variant % 7 == 0 ? 1 : 0);
  made.instant = made.time + end;
  made.from = pick(given.variant, {lane::realtime, lane::sync, lane::realtime, lane::backfill});
  next_.events.push_back(made);
}

/// As a gateway sends it that takes the time when it tries again.
void scenario_run::repeat_restamped(const action& given) {
  std::vector<event> keyed;
  std::copy_if(past_.begin(), past_.end(), std::back_inserter(keyed),
               [](const event& each) { return each.kind == event_kind::speech or each.kind == event_kind::stt; });
  if (keyed.empty()) return;
  auto again = keyed[keyed.size() - 1 - given.choice % keyed.size()];
  const auto instant =
      now_ - pick<time_ms>(given.variant, {0, 0, hour_ms, 23 * hour_ms, day_ms, 25 * hour_ms, 3 * day_ms, -minute_ms});
  again.time += instant - again.instant;
  again.instant = instant;
  next_.events.push_back(again);
}

void scenario_run::change_account(const action& given) {
  account_fact fact_of_it;
  if (given.choice % 4 != 3) fact_of_it.plan = pick<std::string>(given.choice, {"basic", "unlimited", "pro"});
  if (given.variant % 3 != 2) fact_of_it.credits_exhausted = given.variant % 3 == 0;
  if (given.variant % 5 == 4) fact_of_it.time_zone = "Europe/Berlin";
  if (given.variant % 5 == 3) fact_of_it.locale = given.choice % 2 == 0 ? "de" : "pt-BR";
  const auto at = now_ - pick<time_ms>(given.variant, {0, 0, 0, 1, day_ms});
  next_.events.push_back(fact(event_kind::account, at, fact_of_it));
}

/// What no rule reads, and decisions name.
void say_more(std::uint8_t choice, review_answer& to) {
  if (choice % 2 == 0) to.model = "m-1";
  if (choice % 3 == 0) to.cost_micro = choice;
  if (choice % 5 == 0) to.prompt_version = "p-1";
  if (choice % 5 == 1 and to.failed.empty()) {
    to.confidence_nano = choice;
    to.evidence = {"c1", "c2"};
  }
}

void scenario_run::answer(const action& given) {
  review_answer answer_of_it;
  const auto slot = asked_.size() > 1 and given.variant % 4 == 3
                        ? std::next(asked_.begin(), given.variant % asked_.size())
                        : asked_.find("live");
  if (slot == asked_.end()) return;
  answer_of_it.request = slot->first + "-" + std::to_string(slot->second);
  answer_of_it.score_nano = pick(
      given.choice, {900'000'000, 700'000'000, 699'999'999, 350'000'000, 349'999'999, 1'000'000'000, 800'000'000, 0});
  answer_of_it.type = pick(given.choice, {usage_type::audiobook, usage_type::podcast, usage_type::none});
  if (given.variant % 6 == 5) answer_of_it.failed = "no answer";
  say_more(given.choice, answer_of_it);
  next_.events.push_back(fact(event_kind::review, now_, answer_of_it));
}

void scenario_run::answer_oddly(const action& given) {
  review_answer answer_of_it;
  answer_of_it.request =
      pick<std::string>(given.choice, {"live-1", "live-2", "off-1", "nobody-1", "live-999", "live-", "live-0", "a-1",
                                       "live--1", "live", "live-3", "live-4294967297", "live-1 "});
  answer_of_it.score_nano = 900'000'000;
  next_.events.push_back(fact(event_kind::review, now_ - pick<time_ms>(given.variant, {0, 1}), answer_of_it));
}

/// Often with another timer, or at the edge of what is refused.
time_ms scenario_run::exempt_until(std::uint8_t choice) const {
  const auto due = model_.next_due();
  const auto with_due = due == never ? never : due - 1;
  const auto midnight = (now_ / day_ms + 1) * day_ms - 1;
  return pick<time_ms>(choice, {never, now_ + hour_ms, with_due, midnight, now_ + 3 * day_ms, now_, now_ + 1, now_ - 1,
                                now_ + 30 * minute_ms, now_ + day_ms});
}

void scenario_run::admin(const action& given) {
  admin_command what;
  what.actor = "ada";
  what.reason = "because";
  what.verb =
      pick(given.choice, {admin_verb::set_stage, admin_verb::reset, admin_verb::clear_strike, admin_verb::exempt,
                          admin_verb::set_stage, admin_verb::clear_strike, admin_verb::resolve, admin_verb::exempt,
                          admin_verb::restore_strike, admin_verb::appeal, admin_verb::appeal, admin_verb::reopen});
  what.to = pick(given.variant, {stage::restrict, stage::throttle, stage::warning, stage::none});
  what.strike = given.variant % 5U;
  what.on = given.variant % 2 == 0;
  if (what.verb == admin_verb::exempt and what.on) what.until = exempt_until(given.variant / 2);
  // Mostly there is something to restore.
  if (what.verb == admin_verb::restore_strike and given.variant % 4 != 0) {
    auto cleared = what;
    cleared.verb = admin_verb::clear_strike;
    next_.events.push_back(fact(event_kind::admin, now_ - 2, cleared));
  }
  next_.events.push_back(fact(event_kind::admin, now_ - pick<time_ms>(given.variant, {0, 0, 1}), what));
}

void scenario_run::converse(const action& given) {
  const int count = 1 + given.choice % 7;
  for (int i = 0; i < count; ++i) {
    conversation_fact conversation;
    conversation.conversation = "c" + std::to_string(given.variant % 5 == 0 ? i : serial_ % 40);
    conversation.category = given.variant % 2 == 0 ? "work" : std::to_string(serial_ % 5);
    conversation.duration_ms =
        pick<std::int64_t>(given.variant, {hour_ms + 1, hour_ms, 25 * minute_ms, 90 * minute_ms, minute_ms * serial_});
    next_.events.push_back(
        fact(event_kind::conversation, now_ - pick<time_ms>(given.variant, {0, hour_ms, 8 * day_ms}), conversation));
  }
}

void scenario_run::command(admin_command what) {
  what.actor = "ada";
  next_.commands.push_back(fact(event_kind::admin, now_, what));
}

void scenario_run::make_event(const action& given) {
  switch (given.what) {
    case verb::speak:
    case verb::speak_late:
      return speak(given);
    case verb::speak_segments:
      return speak_segments(given);
    case verb::send_stt: {
      auto made = fact(event_kind::stt, now_ - pick<time_ms>(given.variant, {0, 0, 1, hour_ms, day_ms}), {});
      made.ms = pick(given.choice, {60'000, 300'000, 299'999, 1, 0});
      next_.events.push_back(made);
      return;
    }
    case verb::change_account:
      return change_account(given);
    case verb::answer:
      return answer(given);
    case verb::answer_oddly:
      return answer_oddly(given);
    case verb::admin:
      return admin(given);
    case verb::repeat:
      if (not past_.empty()) next_.events.push_back(past_[past_.size() - 1 - given.choice % past_.size()]);
      return;
    case verb::repeat_restamped:
      return repeat_restamped(given);
    case verb::command: {
      admin_command what;
      what.verb = given.choice % 2 == 0 ? admin_verb::enable : admin_verb::kill_switch;
      what.on = given.variant % 2 == 0;
      return command(what);
    }
    case verb::promote: {
      admin_command what;
      what.verb = admin_verb::promote_policy;
      what.policy = given.choice % 2 == 0 ? "a" : "b";
      return command(what);
    }
    case verb::erase:
      next_.events.push_back(fact(event_kind::erasure, now_ - pick<time_ms>(given.variant, {0, 1, day_ms}),
                                  erasure_request{"ada", "on request"}));
      return;
    case verb::converse:
      return converse(given);
  }
}

std::string scenario_run::act(const action& given) {
  // Gap 0 stays in the epoch; promotions get one of their own, so that "before it" needs no second definition.
  const bool apart = given.gap % gap_count != 0 or given.what == verb::promote;
  std::string wrong;
  if (apart) wrong = run();
  now_ += std::max<time_ms>(0, gap(given.gap));
  make_event(given);
  if (given.what == verb::promote and wrong.empty()) wrong = run();
  return wrong;
}

std::string scenario_run::close() {
  if (auto wrong = run(); not wrong.empty()) return wrong;
  advance(user_, in_force_, now_, out_);
  in_runs_.advance_to(now_);
  return in_runs_.difference(out_);
}

void scenario_run::advance_all() {
  advance(user_, in_force_, now_, out_);
  in_runs_.advance_to(now_);
  model_.advance(now_);
}

recording scenario_run::take_record() {
  recorded.decisions = out_.decisions;
  recorded.sets = sets_;
  return std::move(recorded);
}

std::string scenario_run::run_promotion(const event& given, time_ms previous) {
  const auto& what = detail_of<admin_command>(given);
  const auto after = in_force_.policies->promoted(what.policy);
  if (after == nullptr) {
    if (model_.next_due() <= now_) advance_all();
    return check();
  }
  sets_.push_back(after);
  // What was due by then has fired, though no event came with it.
  if (previous != INT64_MIN) in_runs_.advance_to(previous);
  const auto before = in_force_;
  in_force_.policies = after.get();
  // A user with a timer gets two steps: one under the controls before the command's instant, one under those in force
  // now.
  const bool due = model_.next_due() != never;
  if (due and now_ - 1 > previous) {
    advance(user_, before, now_ - 1, out_);
    in_runs_.advance_to(now_ - 1);
    model_.advance(now_ - 1);
  }
  in_runs_.use(in_force_);
  model_.promote(what.policy);
  if (due) advance_all();
  return check();
}

void scenario_run::load_older_ids(const std::vector<event>& events) {
  for (const auto& each : events)
    if (needs_older_ids(each, now_)) user_.ids.load(hour_of(each.instant), stored_ids_[hour_of(each.instant)]);
}

std::string scenario_run::take(const event& given) {
  past_.push_back(given);
  const auto how = apply(user_, in_force_, now_, given, horizon_wall_ms, out_);
  const auto expected = model_.apply(now_, given, horizon_wall_ms);
  if (how == applied::accepted and (given.kind == event_kind::speech or given.kind == event_kind::stt))
    stored_ids_[hour_of(given.instant)].push_back(given.key);
  if (how == applied::accepted and given.kind == event_kind::erasure) stored_ids_.clear();
  if (how == applied::accepted) in_runs_.add(now_, given);
  if (how == expected) return {};
  return "event " + event_id(given) + ": core says " + std::to_string(static_cast<int>(how)) + ", the model "
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
    // Timers that are due fire here; those of a command to all users fire under what was in force before it.
    advance(user_, in_force_, now_, out_);
    if (not epoch.commands.empty()) in_runs_.advance_to(now_);
    load_older_ids(epoch.events);
    model_.advance(now_);
  }
  for (const auto& each : all) {
    const auto same = [&each](const event& command) { return command.key == each.key; };
    if (std::any_of(epoch.commands.begin(), epoch.commands.end(), same)) {
      const auto& what = detail_of<admin_command>(each);
      (what.verb == admin_verb::enable ? in_force_.enabled : in_force_.killed) = what.on;
      in_runs_.use(in_force_);
      model_.set_controls(in_force_.enabled, in_force_.killed);
      continue;
    }
    if (const auto wrong = take(each); not wrong.empty()) return wrong;
  }
  for (const auto& each : out_.decisions)
    if (each.kind == decision_kind::review_requested) asked_[each.slot->slot] = each.request;
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
    const auto view = query_standing(user_, in_force_, slot, now_);
    if (view.at != model_.stage_of(slot)) return "stage of slot " + std::to_string(slot);
    for (std::size_t window = 0; window < view.windows.size(); ++window)
      if (view.windows[window].sum_ms != model_.sum(slot, window, now_)
          or view.windows[window].cap_ms != model_.cap(slot, window))
        return "window " + std::to_string(window) + " of slot " + std::to_string(slot);
  }
  return {};
}

} // namespace

std::string compare(const scenario& what, recording* record) {
  scenario_run run(what);
  std::string wrong;
  for (const auto& each : what.actions)
    if (wrong = run.act(each); not wrong.empty()) break;
  if (wrong.empty()) wrong = run.close();
  if (record != nullptr) *record = run.take_record();
  return wrong;
}

} // namespace fairuse::model
