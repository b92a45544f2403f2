// SPDX-License-Identifier: Apache-2.0
//
// Where the events of simulated users come from: generated user by user, or replayed from memory.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/epoch.hpp"
#include "sim/traffic.hpp"
#include "storage/history/history_block.hpp"

namespace fairuse::sim {

/// One user of a run. The spans point into the buffers below or into memory that the feed keeps.
struct simulated_user {
  std::string uid;
  /// Index of the cohort.
  std::uint32_t group = 0;
  /// Ascending; the last one, at the stated end, has no events.
  std::span<const step> steps;
  std::span<const event> events;
  /// Commands that the feed left out, because they answered decisions of other policies.
  std::uint32_t skipped_commands = 0;
  /// What is recorded of the user's reviews, by instant, the live slot's first.
  std::span<const history::recorded_review* const> reviews;

  /// Buffers of feeds that generate events. Reused from user to user.
  user_traffic traffic;
  std::vector<step> step_buffer;
  std::vector<event> event_buffer;
  std::vector<const history::recorded_review*> review_buffer;
};

/// Threads: one feed per worker.
class traffic_feed {
public:
  virtual ~traffic_feed() = default;
  /// Everything that `user` does. Valid until `out` is filled again.
  virtual void fill(std::uint32_t user, simulated_user& out) = 0;
  /// The id of an event of the user filled in last, by its key; nullopt: it is none of the feed's, and event_id() says
  /// it. For feeds that read ids only where they are needed.
  virtual std::optional<std::string> id_of(std::uint32_t, std::uint64_t) { return std::nullopt; }
};

/// The traffic of a composition, each event in a step of its own at its arrival.
class synthetic_feed final : public traffic_feed {
public:
  /// REQUIRES: `of` and `in_force` outlive this.
  synthetic_feed(const composition& of, std::uint32_t days, const controls& in_force, time_ms end);

  void fill(std::uint32_t user, simulated_user& out) override;

private:
  traffic_writer writer_;
  const controls* in_force_;
  time_ms end_;
};

} // namespace fairuse::sim
