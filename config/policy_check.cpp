// SPDX-License-Identifier: Apache-2.0

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/policy_file.hpp"
#include "config/policy_keys.hpp"

namespace fairuse {

namespace {

using yaml::format_duration;

constexpr std::int64_t span_max_ms = 90 * day_ms;

// Values that the keys' own ranges exclude.
class range_checker : public no_keys {
public:
  range_checker(yaml::path at, std::vector<finding>& found) : at_{std::move(at)}, found_{found} {}

  void duration(std::string_view key, std::int64_t ms, const duration_key& rule = {}) {
    if (ms > rule.max_ms)
      refuse(key, format_duration(ms) + " is out of range; the most is " + format_duration(rule.max_ms)
                      + std::string{rule.because});
  }

  void ratio(std::string_view key, std::int32_t nano) {
    if (nano < 0 or nano > one_nano) refuse(key, "is out of range; it is 0 to 1");
  }

  void later_ratio(std::string_view key, std::int32_t nano) { ratio(key, nano); }

  template <class Keys>
  void section(std::string_view key, Keys keys) {
    auto in = below({std::string{key}});
    keys(in);
  }

  void windows(std::string_view key, const std::vector<window_rule>& rules) {
    for (const auto& each : rules) {
      auto in = below({std::string{key}, each.name});
      visit_window(in, each);
    }
  }

  void steps(std::string_view key, const std::vector<step_rule>& rules) {
    for (std::size_t i = 0; i < rules.size(); ++i) {
      auto in = below({std::string{key}, std::to_string(i)});
      visit_step(in, rules[i]);
    }
  }

private:
  range_checker below(const yaml::path& names) const {
    auto at = at_;
    at.insert(at.end(), names.begin(), names.end());
    return {std::move(at), found_};
  }

  void refuse(std::string_view key, std::string message) {
    auto at = at_;
    at.emplace_back(key);
    found_.push_back({std::move(at), std::move(message)});
  }

  yaml::path at_;
  std::vector<finding>& found_;
};

class policy_checker {
public:
  explicit policy_checker(const policy& rules) : rules_{rules} {}

  std::vector<finding> run() {
    check_name();
    check_metering();
    check_windows();
    check_plans();
    check_review();
    check_ladder();
    check_budget();
    range_checker ranges{{}, found_};
    visit_policy(ranges, rules_);
    return std::move(found_);
  }

private:
  void refuse(yaml::path at, std::string message, yaml::path against = {}) {
    found_.push_back({std::move(at), std::move(message), std::move(against)});
  }

  void check_name() {
    if (rules_.name.empty()) refuse({"name"}, "is empty");
  }

  void check_metering() {
    const auto bucket = rules_.metering.bucket_s;
    if (bucket < 15 or bucket > 3'600 or 3'600 % bucket != 0)
      refuse({"metering", "bucket"},
             "a bucket of " + std::to_string(bucket) + "s is refused; it is 15s to 1h and divides an hour");
  }

  void check_span(std::int64_t span_ms, const yaml::path& at) {
    if (span_ms % second_ms != 0) refuse(at, "must be whole seconds, not " + format_duration(span_ms));
    if (span_ms < rules_.metering.bucket_s * second_ms)
      refuse(at,
             format_duration(span_ms) + " is shorter than one bucket ("
                 + format_duration(rules_.metering.bucket_s * second_ms) + ")",
             {"metering"});
    if (span_ms > span_max_ms)
      refuse(at, format_duration(span_ms) + " is out of range; the most is " + format_duration(span_max_ms));
  }

  void check_windows() {
    const auto& windows = rules_.windows;
    if (windows.empty()) refuse({"windows"}, "expected at least one window");
    if (windows.size() > windows_max)
      refuse({"windows"}, std::to_string(windows.size()) + " windows; the most is " + std::to_string(windows_max));
    for (std::size_t i = 0; i < windows.size(); ++i) {
      check_span(windows[i].span_ms, {"windows", windows[i].name, "span"});
      for (std::size_t j = 0; j < i; ++j)
        if (windows[j].span_ms == windows[i].span_ms)
          refuse({"windows", windows[i].name, "span"},
                 "the same span as window '" + windows[j].name + "'; one window can have one cap only");
    }
    if (rules_.ceiling.cap_ms > 0) check_span(rules_.ceiling.span_ms, {"ceiling", "span"});
  }

  void check_plans() {
    for (const auto& each : rules_.free_plans)
      if (each.empty() or each.size() > 64) refuse({"plans", "free"}, "a plan has a name of 1 to 64 characters");
    for (const auto& plan : rules_.plans) {
      if (plan.plan.empty() or plan.plan.size() > 64)
        refuse({"plans", plan.plan}, "a plan has a name of 1 to 64 characters");
      if (plan.caps_ms.size() != rules_.windows.size())
        refuse({"plans", plan.plan}, "needs one cap for each window", {"windows"});
    }
  }

  void check_review() {
    const auto& review = rules_.review;
    if (review.cleared_below_nano > 0 and review.cleared_below_nano >= review.score_gate_nano)
      refuse({"review", "cleared", "below"},
             yaml::format_decimal(review.cleared_below_nano, 9) + " is not below the score of "
                 + yaml::format_decimal(review.score_gate_nano, 9)
                 + ": the same answer would be a strike and clear the user; 0 switches it off");
    if (review.timeout_ms <= 0)
      refuse({"review", "timeout"}, "must be longer than 0: a review that never times out blocks all later ones");
  }

  void check_ladder() {
    const auto& steps = rules_.steps;
    if (steps.empty()) refuse({"ladder", "steps"}, "expected at least one step, such as `{stage: warning}`");
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const auto& step = steps[i];
      const yaml::path at{"ladder", "steps", std::to_string(i)};
      const auto key = [&](const char* name) { return yaml::path{"ladder", "steps", std::to_string(i), name}; };
      const std::string stage_text{to_text(step.at)};
      if (step.at == stage::none) refuse(key("stage"), "'none' is where everybody starts, not a step");
      if (i > 0 and steps[i - 1].at >= step.at)
        refuse(key("stage"), stage_text + " cannot follow " + std::string{to_text(steps[i - 1].at)}
                                 + ": steps go from warning over throttle to restrict, each at most once");
      if (step.strikes > 0 and step.within_ms == 0)
        refuse(at, stage_text + " asks for " + std::to_string(step.strikes)
                       + " strikes and does not say within which time; add `within`");
      if (step.ends_after_ms > 0 and step.falls_to >= step.at)
        refuse(key("falls_to"), std::string{to_text(step.falls_to)} + " is not milder than " + stage_text);
      else if (step.ends_after_ms > 0 and step.falls_to != stage::none and rules_.step_of(step.falls_to) == nullptr)
        refuse(key("falls_to"), "the ladder has no stage " + std::string{to_text(step.falls_to)});
    }
  }

  void check_budget() {
    const auto& budget = rules_.budget;
    if (budget.per_utc_day_ms <= 0) return;
    if (rules_.step_of(budget.at) == nullptr)
      refuse({"budget", "stage"},
             "the ladder has no stage " + std::string{to_text(budget.at)}
                 + "; name one it has, or switch the budget off with `per_utc_day: 0`",
             {"ladder"});
    if (not budget.charge_stt and not budget.charge_uploads)
      refuse({"budget", "charge"}, "nothing is charged, so the budget can never be used up; [stt], [upload] or both");
  }

  const policy& rules_;
  std::vector<finding> found_;
};

} // namespace

std::vector<finding> contradictions(const policy& rules) { return policy_checker{rules}.run(); }

} // namespace fairuse
