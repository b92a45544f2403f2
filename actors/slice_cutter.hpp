// SPDX-License-Identifier: Apache-2.0
//
// Cuts a sealed epoch into one slice per user. Events of a user come in the order of before(). A command to all users
// takes its place in every user's order: there is one step per period of equal controls, and a timer fires under the
// controls that were in force at its due instant.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/epoch.hpp"

namespace fairuse {

/// Controls, and the event from which on (in the order of before()) they are in force.
struct controls_period {
  /// The command that began it; nullptr: in force before the epoch.
  const event* begin = nullptr;
  const controls* in_force = nullptr;
};

/// Reused from epoch to epoch; what it returns is valid until the next cut.
class slice_cutter {
public:
  /// `periods` in order, the first one from before the epoch. `due`: users with a due timer, in uid order.
  /// `previous_now`: of the epoch before. Slices come in uid order.
  std::span<slice> cut(const epoch& sealed, std::span<const controls_period> periods,
                       std::span<const std::string_view> due, time_ms previous_now);

private:
  void sort_events(const epoch& sealed);
  void cut_user(std::string_view uid, std::size_t first, std::size_t count, std::span<const controls_period> periods,
                time_ms previous_now, time_ms now);

  struct place_in_order {
    /// The first characters behind the common prefix of all uids.
    std::uint64_t uid_start;
    const addressed_event* what;
  };
  std::vector<place_in_order> order_;
  std::vector<event> events_;
  std::vector<step> steps_;
  struct cut_place {
    std::string_view uid;
    std::size_t first_event, event_count, first_step, step_count;
  };
  std::vector<cut_place> places_;
  std::vector<slice> slices_;
};

} // namespace fairuse
