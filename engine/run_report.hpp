// SPDX-License-Identifier: Apache-2.0
//
// The figures of a run, in either mode, as text and as JSON.
// Threads: plain values.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "streams/kafka/worker/partition_shard.hpp"
#include "streams/local/local_sink.hpp"

namespace fairuse {

/// Of local mode only.
struct local_figures {
  run_totals totals;
  std::uint64_t active_users = 0;
  std::uint64_t last_epoch = 0;
};

/// Of Kafka mode only, over all workers.
struct kafka_figures {
  kafka::shard_totals totals;
  std::uint64_t transactions = 0;
  std::uint64_t aborts = 0;
  std::uint64_t recycled = 0;
};

struct run_report {
  double seconds = 0;
  double cpu_seconds = 0;
  std::uint64_t memory_peak_bytes = 0;
  std::uint64_t epochs = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t dead_letters = 0;
  std::uint64_t decisions = 0;
  std::variant<local_figures, kafka_figures> of_mode;
};

/// A table.
std::string report_text(const run_report& report);
/// One line of JSON, without a newline.
std::string report_json(const run_report& report);

} // namespace fairuse
