// SPDX-License-Identifier: Apache-2.0
#include "sim/cases/case_coverage.hpp"

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "events/decision.hpp"

namespace fairuse::sim {

namespace {

using nlohmann::json;
using meets = std::function<bool(const json& data)>;

std::string_view text_of(const json& data, const char* key) {
  const auto found = data.find(key);
  return found != data.end() and found->is_string() ? std::string_view(found->get_ref<const std::string&>())
                                                    : std::string_view();
}

meets decided(decision_kind kind) {
  return [kind](const json& data) { return text_of(data, "decision") == to_text(kind); };
}

meets because(reason why) {
  return [why](const json& data) { return text_of(data["cause"], "reason") == to_text(why); };
}

meets both(meets first, meets second) {
  return [one = std::move(first), other = std::move(second)](const json& data) { return one(data) and other(data); };
}

meets says(const char* key, std::string value) {
  return [key, wanted = std::move(value)](const json& data) { return text_of(data, key) == wanted; };
}

struct wanted_point {
  std::string name;
  meets is_met;
};

/// The points of one policy.
class point_list {
public:
  explicit point_list(const policy& rules) : rules_(rules) {
    add_caps();
    add_reviews();
    add_ladder();
    add_rest();
  }

  std::vector<wanted_point> all;

private:
  void add(std::string name, meets is_met) { all.push_back({std::move(name), std::move(is_met)}); }

  void add_cap(std::string name, const std::string& window, std::int64_t cap_ms) {
    add(std::move(name), both(both(decided(decision_kind::cap_crossed), says("window", window)),
                              [cap_ms](const json& data) { return data["cap_ms"] == cap_ms; }));
  }
  void add_caps() {
    for (const auto& each : rules_.windows)
      add_cap("window " + each.name, each.name, each.cap_ms);
    for (const auto& plan : rules_.plans)
      for (std::size_t i = 0; i < rules_.windows.size(); ++i)
        add_cap(fmt::format("window {} of plan {}", rules_.windows[i].name, plan.plan), rules_.windows[i].name,
                plan.caps_ms[i]);
    if (rules_.ceiling.cap_ms > 0)
      add("ceiling", both(decided(decision_kind::restriction_engaged), says("restriction", "ceiling")));
  }

  void add_reviews() {
    add("review that clears", decided(decision_kind::review_cleared));
    const auto strike = decided(decision_kind::strike_added);
    const auto with = [](bool qualifying) {
      return [qualifying](const json& data) { return data["qualifying"] == qualifying; };
    };
    add("strike", both(strike, with(true)));
    if (rules_.counts == strike_basis::finished_reviews) {
      all.erase(
          std::find_if(all.begin(), all.end(), [](const auto& each) { return each.name == "review that clears"; }));
      add("strike below the score", both(strike, with(false)));
    }
    add("review that fails", decided(decision_kind::review_failed));
    add("review that times out", decided(decision_kind::review_timed_out));
    if (not rules_.free_plans.empty())
      add("strike of exhausted credits", both(strike, says("usage_type", "free_exhausted")));
  }

  void add_ladder() {
    const auto moved = decided(decision_kind::stage_changed);
    for (const auto& each : rules_.steps) {
      const std::string name(to_text(each.at));
      add("step to " + name, both(decided(decision_kind::strike_added), says("to", name)));
      if (each.ends_after_ms > 0)
        add("end of " + name, both(both(moved, because(reason::stage_ended)), says("from", name)));
    }
    if (std::any_of(rules_.steps.begin(), rules_.steps.end(), [](const step_rule& each) { return each.hard_caps; }))
      add("hard caps", both(decided(decision_kind::restriction_engaged), says("restriction", "hard")));
  }

  void add_rest() {
    if (rules_.budget.per_utc_day_ms > 0) {
      add("budget exhausted", decided(decision_kind::budget_exhausted));
      if (rules_.budget.low_nano > 0) add("budget low", decided(decision_kind::budget_low));
      add("budget reset", decided(decision_kind::budget_reset));
    }
    if (rules_.on_upgrade != upgrade_rule::nothing) add("upgrade", because(reason::upgrade));
    add("reset by staff", both(decided(decision_kind::stage_changed), because(reason::admin)));
  }

  const policy& rules_;
};

void look_for(const std::vector<wanted_point>& wanted, const std::string& decisions, policy_coverage& into) {
  for (std::string_view rest = decisions; not rest.empty(); rest.remove_prefix(rest.find('\n') + 1)) {
    const auto read = json::parse(rest.substr(0, rest.find('\n')));
    for (std::size_t i = 0; i < wanted.size(); ++i)
      into.points[i].reached = into.points[i].reached or wanted[i].is_met(read["data"]);
  }
}

} // namespace

std::vector<policy_coverage> coverage_of(std::span<const case_result* const> results) {
  std::vector<policy_coverage> made;
  for (const auto* each : results) {
    const auto& rules = *each->of->rules;
    const point_list wanted(rules);
    auto found = std::find_if(made.begin(), made.end(),
                              [&](const policy_coverage& of) { return of.of->digest == rules.digest; });
    if (found == made.end()) {
      found = made.insert(made.end(), {&rules, {}});
      for (const auto& point : wanted.all)
        found->points.push_back({point.name, false});
    }
    look_for(wanted.all, each->decisions, *found);
  }
  return made;
}

} // namespace fairuse::sim
