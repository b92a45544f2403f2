// SPDX-License-Identifier: Apache-2.0

#include "core/policy.hpp"

#include <algorithm>

namespace fairuse {

bool policy::is_free(std::string_view plan) const {
  return std::find(free_plans.begin(), free_plans.end(), plan) != free_plans.end();
}

std::int64_t policy::cap_ms(std::size_t window, std::string_view plan) const {
  for (const auto& each : plans)
    if (each.plan == plan) return each.caps_ms[window];
  return windows[window].cap_ms;
}

const step_rule* policy::step_of(stage at) const {
  const auto found = std::find_if(steps.begin(), steps.end(), [at](const step_rule& s) { return s.at == at; });
  return found == steps.end() ? nullptr : &*found;
}

const step_rule* policy::step_after(stage at) const {
  const auto found = std::find_if(steps.begin(), steps.end(), [at](const step_rule& s) { return s.at > at; });
  return found == steps.end() ? nullptr : &*found;
}

} // namespace fairuse
