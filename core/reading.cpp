// SPDX-License-Identifier: Apache-2.0
#include "core/reading.hpp"

#include <bit>

namespace fairuse::detail {

namespace {

limit_list limits_of(const slot_spec& slot, const plan_rule* plan) {
  const auto& windows = slot.rules.windows;
  limit_list limits;
  for (std::size_t window = 0; window < windows.size(); ++window)
    limits.push_back({slot.spans[window], plan != nullptr ? plan->caps_ms[window] : windows[window].cap_ms});
  return limits;
}

} // namespace

limit_list window_limits(const slot_spec& slot, std::string_view plan) {
  return limits_of(slot, slot.rules.plan_named(plan));
}

limit_list hard_limits(const slot_spec& slot, stage at, std::string_view plan) {
  const auto* rule = slot.rules.step_of(at);
  limit_list limits;
  if (rule != nullptr and rule->hard_caps)
    limits = limits_of(slot, slot.rules.hard == hard_caps::plan ? slot.rules.plan_named(plan) : nullptr);
  return limits;
}

limit_list ceiling_limits(const slot_spec& slot) {
  const auto& ceiling = slot.rules.ceiling;
  limit_list limits;
  // Reached at its cap, not above it.
  if (ceiling.cap_ms > 0 and ceiling.refuses_uploads) limits.push_back({slot.ceiling_span, ceiling.cap_ms - 1});
  return limits;
}

held_limit held_limit_of(const slot_spec& slot, restriction_kind kind, const restrictions_reading& reading) {
  if (kind == restriction_kind::ceiling) return {reading.ceiling.sums[0], slot.rules.ceiling.cap_ms};
  const auto window = static_cast<std::size_t>(std::countr_zero(reading.hard.exceeded));
  return {reading.hard.sums[window], reading.hard.limits.all[window].limit_ms};
}

} // namespace fairuse::detail
