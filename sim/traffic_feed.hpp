// SPDX-License-Identifier: Apache-2.0
//
// Where the events of simulated users come from: generated user by user, or replayed from memory.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/certificate.hpp"
#include "core/counters.hpp"
#include "core/epoch.hpp"
#include "core/event_columns.hpp"
#include "sim/traffic.hpp"
#include "storage/history/history_block.hpp"

namespace fairuse::sim {

/// Columns that a feed fills.
class run_buffer {
public:
  void clear();
  void add(time_ms now, const event& what);
  /// An entry of another run. REQUIRES: all conversations without a whole event are of one source.
  void add(const event_columns& from, std::size_t i);
  /// Valid until the next change.
  event_columns columns() const;

private:
  std::vector<time_ms> now_;
  std::vector<time_ms> instant_;
  std::vector<std::int32_t> ms_;
  std::vector<run_tag> tags_;
  std::vector<std::uint64_t> keys_;
  std::vector<event> whole_;
  const conversation_source* conversations_ = nullptr;
};

/// One user of an experiment. The spans point into the buffers below or into memory that the feed keeps.
struct simulated_user {
  std::string uid;
  /// Index of the cohort.
  std::uint32_t group = 0;
  /// Ascending; the last one, at the stated end, has no events. Those of a run may be split where an answer comes.
  std::vector<step> steps;
  event_columns run;
  /// What the feed counted itself: events that it did not admit.
  counters refused;
  /// Commands that the feed left out, because they answered decisions of other policies.
  std::uint32_t skipped_commands = 0;
  /// The run decides nothing: nullopt if that is not known.
  std::optional<certified_run> certified;
  /// What is recorded of the user's reviews, by instant, the live slot's first.
  std::span<const history::recorded_review* const> reviews;

  /// Buffers of feeds that generate events. Reused from user to user.
  user_traffic traffic;
  run_buffer columns;
  std::vector<const history::recorded_review*> review_buffer;

  /// `steps` become the whole run under the same controls, and the stated end.
  void take_run_until(time_ms end, const controls& in_force);
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
  /// Throws std::runtime_error if what was read of the users so far was damaged.
  virtual void check() const {}
};

/// The traffic of a composition, each event at its arrival. It knows its duplicates, so core need not look for them.
class synthetic_feed final : public traffic_feed {
public:
  /// REQUIRES: `of` and `in_force` outlive this.
  synthetic_feed(const composition& of, std::uint32_t days, const controls& in_force, time_ms end);

  void fill(std::uint32_t user, simulated_user& out) override;

private:
  bool admits(const arrival& what, counters& refused) const;

  traffic_writer writer_;
  const controls* in_force_;
  time_ms end_;
};

} // namespace fairuse::sim
