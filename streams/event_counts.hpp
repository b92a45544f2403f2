// SPDX-License-Identifier: Apache-2.0
//
// Events by kind and what became of them, and decisions by slot: what figures show of an epoch.
// Threads: plain values.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "core/epoch.hpp"
#include "events/decision.hpp"
#include "events/event.hpp"

namespace fairuse {

struct event_counts {
  using by_kind = std::array<std::uint64_t, event_kind_count>;

  by_kind accepted{};
  by_kind duplicates{};
  by_kind stale{};
  /// By core. What was refused before is of no known kind, and a dead letter like these.
  by_kind refused{};
  /// Instant of the newest event of the last epoch that had any; INT64_MIN: none yet.
  time_ms newest = INT64_MIN;

  void add(const epoch& sealed, const epoch_result& decided);
  event_counts& operator+=(const event_counts& other);
};

struct decision_counts {
  using by_kind = std::array<std::uint64_t, decision_kind_count>;

  /// By the name of the slot; `live` is the one that is enforced.
  std::map<std::string, by_kind, std::less<>> of_slots;

  void add(const decision& what);
  void add(const epoch_result& decided);
  decision_counts& operator+=(const decision_counts& other);
};

} // namespace fairuse
