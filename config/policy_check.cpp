// SPDX-License-Identifier: Apache-2.0

#include <algorithm>

#include "config/policy_file.hpp"

namespace fairuse {

namespace {

using yaml::format_duration;

// Marks are kept for this long after stage none was reached; older strikes cannot be counted.
constexpr std::int64_t marks_kept_ms = 90 * day_ms;
constexpr std::int64_t span_max_ms = 90 * day_ms;
constexpr std::int64_t end_max_ms = 3'650 * day_ms;

class checker {
public:
  explicit checker(const policy& rules) : rules_{rules} {}

  std::vector<finding> run() {
    check_name();
    check_metering();
    check_windows();
    check_plans();
    check_review();
    check_ladder();
    check_budget();
    return std::move(found_);
  }

private:
  void refuse(yaml::path at, std::string message, yaml::path against = {}) {
    found_.push_back({std::move(at), std::move(message), std::move(against)});
  }

  void at_most(std::int64_t value, std::int64_t most, yaml::path at, const std::string& why) {
    if (value > most)
      refuse(std::move(at), format_duration(value) + " is out of range; the most is " + format_duration(most) + why);
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
    at_most(span_ms, span_max_ms, at, "");
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
    if (review.score_gate_nano < 0 or review.score_gate_nano > one_nano)
      refuse({"review", "score"}, "is out of range; a score is 0 to 1");
    if (review.cleared_below_nano > 0 and review.cleared_below_nano >= review.score_gate_nano)
      refuse({"review", "cleared", "below"},
             yaml::format_decimal(review.cleared_below_nano, 9) + " is not below the score of "
                 + yaml::format_decimal(review.score_gate_nano, 9)
                 + ": the same answer would be a strike and clear the user; 0 switches it off");
    if (review.timeout_ms <= 0)
      refuse({"review", "timeout"}, "must be longer than 0: a review that never times out blocks all later ones");
    at_most(review.timeout_ms, 30 * day_ms, {"review", "timeout"}, "");
    at_most(review.cooldown_ms, marks_kept_ms, {"review", "cooldown"}, "");
    at_most(review.cleared_cooldown_ms, marks_kept_ms, {"review", "cleared", "cooldown"}, "");
    at_most(review.check_interval_ms, day_ms, {"review", "check_interval"}, "");
    at_most(review.retry_after_ms, retry_after_max_ms, {"review", "retry_after"},
            ", to which repeated failures double it");
    at_most(review.lookback_ms, 30 * day_ms, {"review", "lookback"}, "");
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
      at_most(step.within_ms, marks_kept_ms, key("within"), ", because strikes are remembered that long");
      at_most(step.ends_after_ms, end_max_ms, key("ends_after"), "");
      if (step.ends_after_ms > 0 and step.falls_to >= step.at)
        refuse(key("falls_to"), std::string{to_text(step.falls_to)} + " is not milder than " + stage_text);
      else if (step.ends_after_ms > 0 and step.falls_to != stage::none and rules_.step_of(step.falls_to) == nullptr)
        refuse(key("falls_to"), "the ladder has no stage " + std::string{to_text(step.falls_to)});
      if (step.vad_threshold_nano < 0 or step.vad_threshold_nano > one_nano)
        refuse(key("actions"), "vad_threshold is out of range; it is 0 to 1");
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

std::vector<finding> contradictions(const policy& rules) { return checker{rules}.run(); }

} // namespace fairuse
