// SPDX-License-Identifier: Apache-2.0

#include "core/policy.hpp"

#include <algorithm>

namespace fairuse {

bool policy::is_free(std::string_view plan) const {
  return std::find(free_plans.begin(), free_plans.end(), plan) != free_plans.end();
}

const plan_rule* policy::plan_named(std::string_view plan) const {
  const auto found =
      std::find_if(plans.begin(), plans.end(), [plan](const plan_rule& rule) { return rule.plan == plan; });
  return found == plans.end() ? nullptr : &*found;
}

std::int64_t policy::cap_ms(std::size_t window, std::string_view plan) const {
  const auto* own = plan_named(plan);
  return own != nullptr ? own->caps_ms[window] : windows[window].cap_ms;
}

const step_rule* policy::step_of(stage at) const {
  const auto found = std::find_if(steps.begin(), steps.end(), [at](const step_rule& step) { return step.at == at; });
  return found == steps.end() ? nullptr : &*found;
}

const step_rule* policy::step_after(stage at) const {
  const auto found = std::find_if(steps.begin(), steps.end(), [at](const step_rule& step) { return step.at > at; });
  return found == steps.end() ? nullptr : &*found;
}

time_ms policy::stage_end(stage at, time_ms begin) const {
  const auto* rule = step_of(at);
  return rule != nullptr and rule->ends_after_ms > 0 ? begin + rule->ends_after_ms : never;
}

stage policy::falls_to(stage at) const {
  const auto* rule = step_of(at);
  return rule != nullptr ? rule->falls_to : stage::none;
}

} // namespace fairuse
