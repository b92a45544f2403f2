// SPDX-License-Identifier: Apache-2.0
//
// Policies and switches in force, by value: a status outlives the policy sets of a partition that moved away.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/policy_set.hpp"

namespace fairuse {

struct policy_view {
  std::string name;
  std::string digest;
  /// From when on its sums miss no speech; it cannot be promoted before that. Nullopt: always.
  std::optional<time_ms> complete_from;
  friend bool operator==(const policy_view&, const policy_view&) = default;
};

/// Policies and switches in force.
struct rules_view {
  policy_view live;
  std::vector<policy_view> shadows;
  bool enabled = false;
  bool killed = false;
  friend bool operator==(const rules_view&, const rules_view&) = default;
};

/// REQUIRES: policies.
rules_view view_of(const controls& in_force);

} // namespace fairuse
