// SPDX-License-Identifier: Apache-2.0
//
// What a running engine tells of itself, in either mode: the figures of its metrics, and whether it is ready. Counts
// are since the process started.
// Threads: plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/deployment.hpp"
#include "events/refusal.hpp"
#include "streams/duration_counts.hpp"
#include "streams/event_counts.hpp"

namespace fairuse {

/// Local mode has one, number 0, which is ready.
struct partition_figures {
  std::int32_t partition = 0;
  /// As in partition_view.
  std::string state = "ready";
  std::string says;
  std::uint64_t epoch = 0;
  /// Wall clock minus `now` of the last epoch; negative: unknown, or the clock follows the events.
  std::int64_t epoch_age_ms = -1;
  /// Records that wait; negative: unknown, and always in local mode.
  std::int64_t lag_records = -1;
  /// How long ago the newest event of the last epoch with events happened, while others wait; 0: none waits; negative:
  /// unknown.
  std::int64_t lag_ms = -1;
  std::uint64_t users = 0;
  /// Kafka mode: rows that wait for the store.
  std::uint64_t pending_rows = 0;
};

/// Of Kafka mode.
struct broker_figures {
  std::uint64_t aborts = 0;
  std::uint64_t recycled = 0;
  std::uint64_t rebalances = 0;
};

struct engine_figures {
  stream_kind mode = stream_kind::local;
  /// When the loop that is furthest behind turned last; wall clock.
  time_ms at = 0;
  event_counts events;
  decision_counts decisions;
  refusal_counts dead_letters{};
  std::uint64_t moved_to_backfill = 0;
  std::uint64_t reused_command_ids = 0;
  std::uint64_t epochs = 0;
  /// Local mode: commits; Kafka mode: transactions.
  std::uint64_t commits = 0;
  duration_counts epoch_times;
  duration_counts commit_times;
  broker_figures broker;
  std::vector<partition_figures> partitions;
};

} // namespace fairuse
