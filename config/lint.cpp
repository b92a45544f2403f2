// SPDX-License-Identifier: Apache-2.0

#include "config/lint.hpp"

#include <algorithm>

namespace fairuse {

namespace {

using yaml::format_duration;
using yaml::severity;

std::string text_of(stage value) { return std::string{to_text(value)}; }

// The caps of one tier: those of all plans, or those of one.
struct tier {
  const plan_rule* plan = nullptr;
  const policy& rules;

  std::int64_t cap_ms(std::size_t window) const {
    return plan == nullptr ? rules.windows[window].cap_ms : plan->caps_ms[window];
  }
  yaml::path at(std::size_t window) const {
    const auto& name = rules.windows[window].name;
    return plan == nullptr ? yaml::path{"windows", name, "cap"} : yaml::path{"plans", plan->plan, name};
  }
};

class linter {
public:
  explicit linter(const policy& rules) : rules_{rules} {}

  std::vector<finding> run() {
    check_metering();
    check_caps({nullptr, rules_});
    for (const auto& plan : rules_.plans)
      check_caps({&plan, rules_});
    check_plans();
    check_ceiling();
    check_review();
    for (std::size_t i = 0; i < rules_.steps.size(); ++i)
      check_step(i);
    check_reach();
    check_budget();
    return std::move(found_);
  }

private:
  void warn(yaml::path at, std::string message) {
    found_.push_back({std::move(at), std::move(message), {}, severity::warning});
  }

  void note(yaml::path at, std::string message) {
    found_.push_back({std::move(at), std::move(message), {}, severity::note});
  }

  static yaml::path step_key(std::size_t index, const char* key) {
    return {"ladder", "steps", std::to_string(index), key};
  }

  void check_metering() {
    const auto& metering = rules_.metering;
    const auto enforced = [&](lane which) { return rules_.enforced_lanes[static_cast<std::size_t>(which)]; };
    if (metering.basis == time_basis::arrival and metering.fresh_within_ms == 0)
      warn({"metering"},
           "an old recording that is uploaded today counts as today's speech; "
           "`time_basis: event` or `fresh_within` prevents it");
    if (std::none_of(rules_.enforced_lanes.begin(), rules_.enforced_lanes.end(), [](bool on) { return on; }))
      warn({"lanes"}, "no lane is enforced: no cap can ever be exceeded");
    if (enforced(lane::backfill)) warn({"lanes", "backfill"}, "recordings uploaded late count against live caps");
  }

  void check_caps(const tier& of) {
    const auto& windows = rules_.windows;
    for (std::size_t i = 0; i < windows.size(); ++i) {
      const auto cap = of.cap_ms(i);
      if (cap == 0) warn(of.at(i), "0 does not switch a window off: any speech at all exceeds it");
      if (cap >= windows[i].span_ms)
        warn(of.at(i), format_duration(cap) + " in " + format_duration(windows[i].span_ms)
                           + " can be exceeded by parallel recordings only");
      check_domination(of, i);
    }
  }

  // A user who exceeds the longer window has exceeded the shorter one in one of the spans that cover it, unless the
  // longer cap is below their sum. Rounding the number of spans up keeps this true where the longer span is not a
  // multiple.
  void check_domination(const tier& of, std::size_t index) {
    const auto& windows = rules_.windows;
    const auto cap = of.cap_ms(index);
    for (std::size_t other = 0; other < windows.size(); ++other) {
      const auto other_cap = of.cap_ms(other);
      if (cap == 0 or other_cap == 0) continue;
      if (windows[other].span_ms < windows[index].span_ms) {
        const auto covering = (windows[index].span_ms + windows[other].span_ms - 1) / windows[other].span_ms;
        if (cap / covering >= other_cap) {
          warn(of.at(index), windows[index].name + " (" + format_duration(cap) + ") can never be the first cap that is "
                               "exceeded while " + windows[other].name + " is " + format_duration(other_cap)
                               + "; it would have to be below " + format_duration(other_cap * covering));
          return;
        }
      } else if (windows[other].span_ms > windows[index].span_ms and cap >= other_cap) {
        warn(of.at(index), windows[index].name + " (" + format_duration(cap) + ") can never be exceeded before the longer "
                             "window " + windows[other].name + " (" + format_duration(other_cap) + ")");
        return;
      }
    }
  }

  void check_plans() {
    for (const auto& plan : rules_.plans) {
      bool raised = false;
      bool equal = true;
      for (std::size_t i = 0; i < rules_.windows.size(); ++i) {
        const auto base = rules_.windows[i].cap_ms;
        raised = raised or plan.caps_ms[i] > base;
        equal = equal and plan.caps_ms[i] == base;
        if (plan.caps_ms[i] < base)
          warn({"plans", plan.plan, rules_.windows[i].name},
               format_duration(plan.caps_ms[i]) + " is lower than everybody's cap of " + format_duration(base));
      }
      if (raised and rules_.is_free(plan.plan)) warn({"plans", plan.plan}, "is a free plan with raised caps");
      if (equal) warn({"plans", plan.plan}, "has everybody's caps; the plan need not be named");
    }
    if (rules_.free_plans.empty() and rules_.on_upgrade != upgrade_rule::nothing)
      note({"plans"}, "there is no free plan, so exhausted credits start nothing and an upgrade clears nothing");
  }

  void check_ceiling() {
    const auto& ceiling = rules_.ceiling;
    if (ceiling.cap_ms == 0) {
      note({"ceiling", "cap"}, "0 switches the ceiling off");
      return;
    }
    if (not ceiling.refuses_uploads) warn({"ceiling", "refuses"}, "the ceiling refuses nothing, so it has no effect");
    if (ceiling.cap_ms >= ceiling.span_ms)
      note({"ceiling", "cap"}, format_duration(ceiling.cap_ms) + " in " + format_duration(ceiling.span_ms)
                                   + " can be reached by parallel recordings or bulk uploads only");
    for (const auto& window : rules_.windows)
      if (window.span_ms <= ceiling.span_ms and ceiling.cap_ms <= window.cap_ms)
        warn({"ceiling", "cap"}, format_duration(ceiling.cap_ms) + " refuses uploads before the cap of " + window.name
                                     + " (" + format_duration(window.cap_ms) + ") asks for a review");
  }

  void check_review() {
    const auto& review = rules_.review;
    if (review.score_gate_nano == 0) warn({"review", "score"}, "with a score of 0 every review is a strike");
    if (review.score_gate_nano == one_nano)
      warn({"review", "score"}, "only a reviewer who is entirely sure reaches a score of 1");
    if (review.cooldown_ms == 0 and review.check_interval_ms == 0)
      warn({"review", "cooldown"},
           "without cooldown and check_interval every event of a user above a cap asks for a review");
    else if (review.cooldown_ms == 0)
      note({"review", "cooldown"}, "0 switches the cooldown off: a user above a cap is reviewed every "
                                       + format_duration(review.check_interval_ms));
    if (review.cleared_below_nano > 0 and review.cleared_cooldown_ms < review.cooldown_ms)
      warn({"review", "cleared", "cooldown"}, "a cleared user is reviewed again sooner ("
                                                  + format_duration(review.cleared_cooldown_ms) + ") than a suspect ("
                                                  + format_duration(review.cooldown_ms) + ")");
    if (review.cooldown_ms > 0 and review.timeout_ms > review.cooldown_ms)
      warn({"review", "timeout"}, "a review may stay unanswered for longer than the cooldown of "
                                      + format_duration(review.cooldown_ms) + "; no other can start meanwhile");
    if (not rules_.windows.empty() and review.lookback_ms < rules_.windows.back().span_ms)
      note({"review", "lookback"}, "the reviewer sees " + format_duration(review.lookback_ms) + ", the window "
                                       + rules_.windows.back().name + " sums "
                                       + format_duration(rules_.windows.back().span_ms));
    if (rules_.counts == strike_basis::finished_reviews)
      warn({"ladder", "counts"}, "a review that clears the user counts as a strike; `qualifying` prevents it");
  }

  void check_step(std::size_t index) {
    const auto& step = rules_.steps[index];
    if (step.notify and step.ends_after_ms == 0)
      warn(step_key(index, "notify"), text_of(step.at) + " has no end, so its notification cannot say when it ends");
    if (not step.notify and not step.hard_caps and not step.economy_stt and step.vad_threshold_nano == 0
        and not(rules_.budget.per_utc_day_ms > 0 and rules_.budget.at == step.at))
      warn(step_key(index, "stage"), text_of(step.at) + " notifies nobody and does nothing");
    if (index == 0 and step.at != stage::warning)
      warn(step_key(index, "stage"), "the ladder begins with " + text_of(step.at) + ": nobody is warned before it");
    if (index > 0 and step.at == stage::restrict and rules_.steps[index - 1].at == stage::warning)
      warn(step_key(index, "stage"), "restrict follows a mere warning: the ladder has no throttle");
    if (index > 0 and step.strikes < rules_.steps[index - 1].strikes)
      warn(step_key(index, "strikes"),
           text_of(step.at) + " asks for fewer strikes than the milder " + text_of(rules_.steps[index - 1].at));
  }

  // Stages that the ladder has and its own timing makes unreachable.
  void check_reach() {
    const auto spacing = std::max(rules_.review.cooldown_ms, rules_.review.check_interval_ms);
    for (std::size_t i = 0; i < rules_.steps.size(); ++i) {
      const auto& step = rules_.steps[i];
      // The cooldown still holds at its last millisecond, so that two strikes are one more apart.
      if (step.strikes > 0 and spacing > 0 and step.strikes * (spacing + 1) > step.within_ms)
        return warn(step_key(i, "within"), text_of(step.at) + " can never be reached: " + std::to_string(step.strikes)
                                               + " strikes, at least " + format_duration(spacing)
                                               + " apart, do not fit into " + format_duration(step.within_ms));
      const bool last = i + 1 == rules_.steps.size();
      if (not last and step.ends_after_ms > 0 and step.ends_after_ms + rules_.review.timeout_ms < spacing)
        return warn(step_key(i, "ends_after"),
                    text_of(rules_.steps[i + 1].at) + " can never be reached: " + text_of(step.at) + " ends after "
                        + format_duration(step.ends_after_ms) + ", and the next review is at least "
                        + format_duration(spacing) + " away");
    }
  }

  void check_budget() {
    const auto& budget = rules_.budget;
    if (budget.per_utc_day_ms == 0) {
      note({"budget", "per_utc_day"}, "0 switches the budget off; it does not mean that nothing may be transcribed");
      if (budget.low_nano > 0) warn({"budget", "low"}, "nobody is told that little is left: there is no budget");
      return;
    }
    const auto* step = rules_.step_of(budget.at);
    if (step != nullptr and step->ends_after_ms == 0)
      warn({"budget", "stage"}, "the budget holds for ever: " + text_of(budget.at) + " has no end");
    if (budget.per_utc_day_ms >= day_ms)
      warn({"budget", "per_utc_day"},
           format_duration(budget.per_utc_day_ms) + " a day can be used up by parallel recordings only");
    if (budget.low_nano == one_nano) warn({"budget", "low"}, "nobody is told that little is left: at 1 nothing is");
  }

  const policy& rules_;
  std::vector<finding> found_;
};

// Keys whose value the file states and the policy ignores.
void report_idle_keys(const policy& rules, const yaml::node& root, yaml::diagnostics& out) {
  const auto idle = [&](const yaml::path& at, const std::string& why) {
    if (const auto* written = yaml::node_at(root, at); written != nullptr)
      out.report(severity::warning, written->at, yaml::join(at) + ": has no effect: " + why);
  };
  if (rules.review.cleared_below_nano == 0 and rules.review.cleared_cooldown_ms != 0)
    idle({"review", "cleared", "cooldown"}, "`below` is 0");
  if (std::none_of(rules.steps.begin(), rules.steps.end(), [](const step_rule& step) { return step.hard_caps; }))
    idle({"hard"}, "no stage has the action `caps: hard`");
  const auto* ladder = root.find("ladder");
  const auto* steps = ladder == nullptr ? nullptr : ladder->find("steps");
  for (std::size_t i = 0; steps != nullptr and i < steps->items.size() and i < rules.steps.size(); ++i) {
    const auto& item = steps->items[i];
    const auto stage_text = text_of(rules.steps[i].at);
    const auto* within = item.find("within");
    if (within != nullptr and rules.steps[i].strikes == 0 and within->text != "0")
      out.report(severity::warning, within->at, stage_text + ": `within` has no effect without `strikes`");
    const auto* falls_to = item.find("falls_to");
    if (falls_to != nullptr and rules.steps[i].ends_after_ms == 0 and falls_to->text != "none")
      out.report(severity::warning, falls_to->at, stage_text + ": `falls_to` has no effect without `ends_after`");
  }
}

// fair.yaml's caps of single plans are no defaults, which is easily missed.
void report_absent_plans(const yaml::node& root, yaml::diagnostics& out) {
  if (root.find("plans") != nullptr) return;
  out.report(severity::warning, yaml::place_of(root, {"windows"}),
             "plans: there are none, so the caps of `windows` are those of every plan, `unlimited` included (what "
             "fair.yaml gives to that plan is no default); if that is meant, write `plans: {free: [basic]}`");
}

} // namespace

std::vector<finding> lint(const policy& rules) { return linter{rules}.run(); }

void lint(const policy& rules, const yaml::node& root, yaml::diagnostics& out) {
  // A note explains a value that the file states; on a default it would explain nothing.
  for (auto& each : lint(rules))
    if (each.level != severity::note or yaml::node_at(root, each.at) != nullptr)
      out.report(each.level, yaml::place_of(root, each.at), yaml::join(each.at) + ": " + each.message);
  report_idle_keys(rules, root, out);
  report_absent_plans(root, out);
  out.sort();
}

} // namespace fairuse
