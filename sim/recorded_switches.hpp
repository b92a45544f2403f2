// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to the laboratory: how a deployment was switched on and off, and killed, while a history was recorded.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "core/epoch.hpp"
#include "storage/history/history_file.hpp"

namespace fairuse::sim {

/// A command to all users, or a start of the engine with another configuration, that changed a switch.
struct switch_change {
  /// As a mark among the events of a user names it (history::is_broadcast_mark).
  std::uint32_t mark = 0;
  time_ms now = 0;
  time_ms instant = 0;
  /// From here on.
  bool enabled = true;
  bool killed = false;
};

/// By partition, in the order in which they took effect.
using recorded_switches = std::map<std::int32_t, std::vector<switch_change>>;
recorded_switches switches_of(const history::history_contents& of);

/// Controls with the same policies and every position of the two switches.
using all_controls = std::array<controls, 4>;
all_controls controls_with(const policy_set* policies);

/// Cuts the run of one user into steps, each under the switches that held. As in production, timers that are due before
/// a command fire under what held until then.
class switched_steps {
public:
  /// REQUIRES: all outlive this.
  switched_steps(const all_controls& under, std::span<const switch_change> changes, std::vector<step>& out);

  /// What comes next in the history is at `now`, with these marks among it. `now` ascends from call to call.
  void begin(time_ms now, std::span<const std::uint32_t> marks);
  /// The next of it is an event of the run.
  void add();
  /// The next of it is a mark.
  void pass_mark(std::uint32_t mark);
  /// No step follows but the last one, without events.
  void finish(time_ms at);

private:
  const controls* in_force() const;
  std::size_t passed_by(std::uint32_t mark) const;
  void fire(time_ms at);
  void take(std::size_t until);
  void close();

  const all_controls* under_;
  std::span<const switch_change> changes_;
  std::vector<step>* out_;
  /// Of the changes, how many are in force.
  std::size_t next_ = 0;
  time_ms now_ = 0;
  /// Of the last event or step; nullopt: there is none, and so no timer.
  std::optional<time_ms> reached_;
  /// Events in steps, and all.
  std::uint32_t closed_ = 0;
  std::uint32_t added_ = 0;
  /// Of the first event that is in no step.
  time_ms opened_at_ = 0;
};

} // namespace fairuse::sim
