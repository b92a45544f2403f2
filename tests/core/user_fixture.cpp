// SPDX-License-Identifier: Apache-2.0
#include "tests/core/user_fixture.hpp"

#include <utility>

namespace fairuse::test {

policy plain() {
  policy rules;
  rules.name = "plain";
  rules.digest = "0";
  rules.windows = {{"daily", 24 * hour_ms, 2 * hour_ms}};
  rules.free_plans = {"basic"};
  rules.plans = {{"unlimited", {4 * hour_ms}}};
  step_rule warning;
  warning.ends_after_ms = 30 * day_ms;
  step_rule throttle;
  throttle.at = stage::throttle;
  throttle.strikes = 2;
  throttle.within_ms = 7 * day_ms;
  throttle.ends_after_ms = 7 * day_ms;
  throttle.falls_to = stage::warning;
  throttle.economy_stt = true;
  step_rule restrict;
  restrict.at = stage::restrict;
  restrict.strikes = 3;
  restrict.within_ms = 7 * day_ms;
  restrict.ends_after_ms = 30 * day_ms;
  restrict.falls_to = stage::throttle;
  restrict.hard_caps = true;
  rules.steps = {warning, throttle, restrict};
  rules.off = off_rule::nothing;
  return rules;
}

policy fair() {
  auto rules = plain();
  rules.name = "fair";
  rules.windows = {{"daily", 24 * hour_ms, 2 * hour_ms},
                   {"3day", 72 * hour_ms, 8 * hour_ms},
                   {"weekly", 168 * hour_ms, 10 * hour_ms}};
  rules.plans = {{"unlimited", {4 * hour_ms, 16 * hour_ms, 20 * hour_ms}}};
  rules.ceiling.cap_ms = 30 * hour_ms;
  rules.review.cleared_below_nano = 350'000'000;
  rules.review.cleared_cooldown_ms = 72 * hour_ms;
  rules.review.check_interval_ms = 5 * minute_ms;
  rules.review.retry_after_ms = 15 * minute_ms;
  rules.budget.per_utc_day_ms = 30 * minute_ms;
  rules.budget.track_from_trigger = true;
  return rules;
}

policy shadow(const std::string& name) {
  auto rules = plain();
  rules.name = rules.digest = name;
  return rules;
}

event numbered_event(event_arena& arena, int number, event_kind kind, time_ms at, event_detail detail) {
  event made;
  made.kind = kind;
  made.time = made.instant = at;
  made.text = arena.keep("app", "e" + std::to_string(number));
  made.key = event_key(made.text->source, made.text->id);
  if (not std::holds_alternative<std::monostate>(detail)) made.detail = arena.keep(std::move(detail));
  return made;
}

std::string duration_text(std::int64_t ms) {
  struct unit {
    const char* name;
    std::int64_t ms;
  };
  std::string text;
  for (const auto& each : {unit{"d", day_ms}, {"h", hour_ms}, {"m", minute_ms}, {"s", second_ms}, {"ms", 1}}) {
    if (const auto count = ms / each.ms; count > 0) text += std::to_string(count) + each.name;
    ms %= each.ms;
  }
  return text.empty() ? "0" : text;
}

namespace {

std::string windows_of(const decision& what) {
  std::string text;
  for (std::size_t i = 0; i < what.slot->windows.size(); ++i)
    if ((what.exceeded >> i & 1) != 0) text += (text.empty() ? "" : ",") + what.slot->windows[i];
  return text;
}

std::string score_of(const decision& what) {
  return std::to_string(what.score_nano / 1'000'000) + " " + std::string(to_text(what.type));
}

std::string steps_of(const decision& what) {
  return std::string(to_text(what.from)) + ">" + std::string(to_text(what.to));
}

std::string until_of(const decision& what) {
  return what.until == never ? "" : " +" + duration_text(what.until - what.time);
}

std::string prior_of(const decision& what) {
  return std::to_string(what.prior_7d) + "," + std::to_string(what.prior_30d);
}

std::string details_of(const decision& what) {
  const auto why = std::string(to_text(what.why));
  const auto amounts = duration_text(what.sum_ms) + "/" + duration_text(what.cap_ms);
  const std::string restriction = what.restriction == restriction_kind::hard ? "hard" : "ceiling";
  switch (what.kind) {
    case decision_kind::cap_crossed:
      return what.slot->windows[what.window] + " " + amounts;
    case decision_kind::review_requested:
      return std::to_string(what.request) + " " + windows_of(what)
             + (what.recipes != 0 ? " recipes " + std::to_string(what.recipes) : "");
    case decision_kind::review_unanswered:
      return windows_of(what);
    case decision_kind::review_cleared:
      return score_of(what) + " " + prior_of(what);
    case decision_kind::strike_added:
      return std::to_string(what.strike) + " " + score_of(what) + " " + steps_of(what) + " " + prior_of(what);
    case decision_kind::review_failed:
    case decision_kind::review_timed_out:
      return std::to_string(what.request) + until_of(what);
    case decision_kind::review_ignored:
      return std::to_string(what.request) + " " + why;
    case decision_kind::strike_cleared:
    case decision_kind::strike_restored:
    case decision_kind::appeal_opened:
    case decision_kind::appeal_closed:
      return std::to_string(what.strike) + " " + why;
    case decision_kind::stage_changed:
      return steps_of(what) + " " + why + until_of(what);
    case decision_kind::exemption_ended:
      return std::string(to_text(what.to)) + until_of(what);
    case decision_kind::budget_low:
    case decision_kind::budget_exhausted:
    case decision_kind::budget_reset:
      return amounts;
    case decision_kind::restriction_engaged:
      return restriction + " " + why + " " + amounts + until_of(what);
    case decision_kind::restriction_lifted:
      return restriction + " " + why;
    case decision_kind::content_locked:
    case decision_kind::content_unlocked:
      return why;
    case decision_kind::notification:
      return std::string(to_text(what.to)) + (what.words == wording::credits ? " credits" : " misuse");
    case decision_kind::user_erased:
    case decision_kind::policy_promoted:
      return what.who;
  }
  return {};
}

} // namespace

std::string brief(const decision& what, time_ms start) {
  std::string text = what.slot->slot == "live" ? "" : what.slot->slot + ": ";
  text += std::string(to_text(what.kind)) + " " + details_of(what);
  if (what.cause.empty()) text += " @" + duration_text(what.time - start);
  return text;
}

user_fixture::user_fixture(const policy& live, std::vector<policy> shadows, review_mode reviews)
  : policies(policy_set::make(live, std::move(shadows), 8 * day_ms, reviews)) {
  in_force = {true, false, policies.get()};
}

void user_fixture::fire_timers() { advance(who, in_force, now, out); }

event user_fixture::make(event_kind kind, std::int64_t ago_ms, event_detail detail) {
  return numbered_event(arena, ++serial_, kind, now - ago_ms, std::move(detail));
}

applied user_fixture::give(event given) {
  last_ = given;
  advance(who, in_force, now, out);
  return apply(who, in_force, now, given, horizon_wall_ms, out);
}

applied user_fixture::again() { return give(last_); }

applied user_fixture::speak(std::int64_t ms, lane from, std::int64_t ago_ms) {
  auto made = make(event_kind::speech, ago_ms);
  made.ms = static_cast<std::int32_t>(ms);
  made.from = from;
  return give(made);
}

applied user_fixture::speak_segments(std::vector<segment> segments, std::int64_t begun_ago_ms, lane from) {
  std::uint32_t end = 0;
  for (const auto& each : segments)
    end = std::max(end, each.end_ms);
  auto made = make(event_kind::speech, begun_ago_ms, speech_segments{std::move(segments)});
  made.instant = made.time + end;
  made.from = from;
  return give(made);
}

applied user_fixture::stt(std::int64_t ms, std::int64_t ago_ms) {
  auto made = make(event_kind::stt, ago_ms);
  made.ms = static_cast<std::int32_t>(ms);
  return give(made);
}

applied user_fixture::plan(const std::string& name, std::int64_t ago_ms) {
  account_fact fact;
  fact.plan = name;
  return give(make(event_kind::account, ago_ms, fact));
}

applied user_fixture::credits(bool exhausted, std::int64_t ago_ms) {
  account_fact fact;
  fact.credits_exhausted = exhausted;
  return give(make(event_kind::account, ago_ms, fact));
}

applied user_fixture::converse(const std::string& id, std::int64_t duration_ms, const std::string& category,
                               std::int64_t ago_ms) {
  conversation_fact talk;
  talk.conversation = id;
  talk.category = category;
  talk.duration_ms = duration_ms;
  return give(make(event_kind::conversation, ago_ms, talk));
}

applied user_fixture::answer(const std::string& request, double score, usage_type type) {
  review_answer verdict;
  verdict.request = request;
  verdict.score_nano = static_cast<std::int32_t>(score * 1e9 + 0.5);
  verdict.type = type;
  return give(make(event_kind::review, 0, verdict));
}

applied user_fixture::fail(const std::string& request) {
  review_answer verdict;
  verdict.request = request;
  verdict.failed = "overloaded";
  return give(make(event_kind::review, 0, verdict));
}

applied user_fixture::command(admin_command what) {
  what.actor = "ada";
  what.reason = "because";
  return give(make(event_kind::admin, 0, what));
}

applied user_fixture::set_stage(stage to) {
  admin_command what;
  what.verb = admin_verb::set_stage;
  what.to = to;
  return command(what);
}

applied user_fixture::reset() { return command({}); }

applied user_fixture::about_strike(admin_verb verb, std::uint32_t number) {
  admin_command what;
  what.verb = verb;
  what.strike = number;
  if (verb == admin_verb::appeal)
    what.text = "a lecture of mine";
  else if (verb == admin_verb::resolve or verb == admin_verb::reopen)
    what.notes = verb == admin_verb::resolve ? "seen" : "seen again";
  return command(what);
}

applied user_fixture::exempt(bool on, time_ms until) {
  admin_command what;
  what.verb = admin_verb::exempt;
  what.on = on;
  what.until = until;
  return command(what);
}

applied user_fixture::erase(std::int64_t ago_ms) {
  return give(make(event_kind::erasure, ago_ms, erasure_request{"ada", "on request"}));
}

void user_fixture::promote(const std::string& shadow) {
  fire_timers();
  old_.push_back(policies);
  policies = policies->promoted(shadow);
  in_force.policies = policies.get();
  fire_timers();
}

void user_fixture::misuse(double score) {
  speak(2 * hour_ms + 1);
  answer("live-" + std::to_string(who.standings[0]->last_request), score);
}

lines user_fixture::decided() {
  lines all;
  for (const auto& each : out.decisions)
    all.push_back(brief(each, monday));
  out.decisions.clear();
  return all;
}

lines user_fixture::decided(decision_kind kind) {
  lines some;
  for (const auto& each : out.decisions)
    if (each.kind == kind) some.push_back(brief(each, monday));
  out.decisions.clear();
  return some;
}

} // namespace fairuse::test
