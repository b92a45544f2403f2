// SPDX-License-Identifier: Apache-2.0
//
// What of a policy the cases reached: windows, caps of plans, the ceiling, outcomes of reviews, steps and their ends,
// the budget, upgrades and resets.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "sim/cases/case_run.hpp"

namespace fairuse::sim {

struct coverage_point {
  /// For people: `window daily`.
  std::string name;
  bool reached = false;
};

struct policy_coverage {
  const policy* of = nullptr;
  std::vector<coverage_point> points;
};

/// By policy, in the order in which cases name them first.
std::vector<policy_coverage> coverage_of(std::span<const case_result* const> results);

} // namespace fairuse::sim
