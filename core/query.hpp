// SPDX-License-Identifier: Apache-2.0
//
// What people ask about a user. Const: answers from the state as of the last step, fires nothing, writes nothing.
#pragma once

#include <string_view>
#include <vector>

#include "core/policy_set.hpp"
#include "core/user.hpp"

namespace fairuse {

struct window_view {
  std::int64_t sum_ms = 0;
  std::int64_t cap_ms = 0; ///< of the user's plan
  bool exceeded = false;   ///< sum > cap, and neither exempt nor killed nor off
};

struct budget_view {
  bool tracked = false;
  bool exhausted = false; ///< limit > 0 and used >= limit
  std::int64_t used_ms = 0;
  std::int64_t limit_ms = 0;
  time_ms resets_at = never;
};

/// One slot's answer.
struct standing_view {
  const slot_spec* slot = nullptr;
  /// False: the slot is off, or the user is exempt; sums are shown and nothing follows from them.
  bool judges = true;
  std::vector<window_view> windows;
  /// A stage that ends before the instant of the question has ended, although its timer has not fired.
  stage at = stage::none;
  time_ms since = 0;
  time_ms until = never;
  bool hard_restricted = false;
  /// When an upload may be tried again; `never` if not restricted or if nothing says when.
  time_ms retry_at = never;
  bool ceiling = false;
  /// Why uploads are refused: of the hard restriction, else of the ceiling, the first exceeded cap in window order.
  std::int64_t refused_sum_ms = 0;
  std::int64_t refused_cap_ms = 0;
  budget_view budget;
  /// Strikes that count, over 7 and 30 days before `at`.
  std::uint32_t strikes_7d = 0;
  std::uint32_t strikes_30d = 0;
  bool content_locked = false;
  std::uint32_t pending_request = 0;
  time_ms cooldown_until = INT64_MIN;
  time_ms next_due = never;
  const standing* details = nullptr; ///< marks; nullptr if nothing has happened

  /// A budget may be tracked earlier than it limits a user (policy key budget.track_from).
  bool enforces_budget() const { return budget.limit_ms > 0 and at == slot->rules.budget.at; }
};

/// Nullptr: nothing has happened in that slot yet.
inline const standing* standing_in(const user& who, std::size_t slot) {
  return who.standings.empty() ? nullptr : who.standings[slot].get();
}

/// Where the user stands in slot number `slot` of `in_force.policies` at instant `at` (>= the user's last step).
standing_view query_standing(const user& who, const controls& in_force, std::size_t slot, time_ms at);

/// A sentence; empty: there can be an appeal against the strike now.
std::string_view why_no_appeal(const mark& strike);

/// When the user's earliest timer is due, over all slots; `never`: there is none. The user need not be bound.
time_ms next_due_of(const user& who);

} // namespace fairuse
