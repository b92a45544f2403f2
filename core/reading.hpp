// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to core: one slot's sums against its limits at one instant. The sum function is passed in: rules read
// running sums, queries add up buckets. So what is enforced and what is shown follow from the same code.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/policy_set.hpp"
#include "core/sums.hpp"

namespace fairuse::detail {

/// At most one limit per window. The array is not zeroed (here and below): that would cost more than a whole reading.
struct limit_list {
  std::array<sum_limit, windows_max> all;
  std::size_t count = 0;
  void push_back(const sum_limit& limit) { all[count++] = limit; }
  operator std::span<const sum_limit>() const { return {all.data(), count}; }
};

/// The caps of the slot's windows for a plan.
limit_list window_limits(const slot_spec& slot, std::string_view plan);
/// The caps that hold hard in a stage; none if the stage has no hard caps.
limit_list hard_limits(const slot_spec& slot, stage at, std::string_view plan);
/// None if there is no ceiling, or one that refuses nothing.
limit_list ceiling_limits(const slot_spec& slot);

/// Sums against their limits.
struct limits_reading {
  limit_list limits;
  std::array<std::int64_t, windows_max> sums;
  /// Bit per limit: its sum is above it.
  std::uint8_t exceeded = 0;
  /// Ms that may still be added before another limit is exceeded.
  std::int64_t headroom_ms = INT64_MAX;
  bool is_exceeded(std::size_t index) const { return (exceeded >> index & 1) != 0; }
};

/// `sum_of(span)` is asked once for each limit.
template <class SumOf>
limits_reading read_limits(const limit_list& limits, SumOf&& sum_of) {
  limits_reading reading;
  reading.limits = limits;
  for (std::size_t i = 0; i < limits.count; ++i) {
    reading.sums[i] = sum_of(limits.all[i].span);
    const auto left_ms = limits.all[i].limit_ms - reading.sums[i];
    if (left_ms < 0)
      reading.exceeded = static_cast<std::uint8_t>(reading.exceeded | (1U << i));
    else
      reading.headroom_ms = std::min(reading.headroom_ms, left_ms);
  }
  return reading;
}

/// A restriction holds while a limit of its kind is exceeded, and has drained when none is.
struct restrictions_reading {
  limits_reading hard;
  limits_reading ceiling;
  bool holds_hard = false;
  bool holds_ceiling = false;
};

template <class SumOf>
restrictions_reading read_restrictions(const slot_spec& slot, stage at, std::string_view plan, SumOf&& sum_of) {
  restrictions_reading reading;
  reading.hard = read_limits(hard_limits(slot, at, plan), sum_of);
  reading.ceiling = read_limits(ceiling_limits(slot), sum_of);
  reading.holds_hard = reading.hard.exceeded != 0;
  reading.holds_ceiling = reading.ceiling.exceeded != 0;
  return reading;
}

/// The sum for which a restriction holds, and its cap.
struct held_limit {
  std::int64_t sum_ms = 0;
  std::int64_t cap_ms = 0;
};

/// Of several hard caps the first in window order. REQUIRES: the restriction holds.
held_limit held_limit_of(const slot_spec& slot, restriction_kind kind, const restrictions_reading& reading);

/// Is the budget counted? Always in its stage, and from the trigger on if the policy says so. `exceeds_cap()` is asked
/// only if it matters.
template <class ExceedsCap>
bool tracks_budget(const budget_rule& budget, stage at, ExceedsCap&& exceeds_cap) {
  if (budget.per_utc_day_ms <= 0) return false;
  return at == budget.at or (budget.track_from_trigger and exceeds_cap());
}

} // namespace fairuse::detail
