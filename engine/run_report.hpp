// SPDX-License-Identifier: Apache-2.0
//
// What a run did, in either mode: the figures, and how they read for people and for programs.
// Threads: plain values.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <variant>

#include "core/counters.hpp"
#include "events/decision.hpp"
#include "events/refusal.hpp"

namespace fairuse {

/// Of local mode only.
struct local_figures {
  std::uint64_t lines = 0;
  std::uint64_t empty_lines = 0;
  std::uint64_t bytes = 0;
  /// What is left of the lines: accepted, duplicate or stale.
  std::uint64_t events = 0;
  /// By reason.
  std::array<std::uint64_t, refusal_count> dead_letters{};
  /// By kind: of slots in mode live, and of all others.
  std::array<std::uint64_t, decision_kind_count> decisions{};
  std::array<std::uint64_t, decision_kind_count> shadow_decisions{};
  /// Whose state changed.
  std::uint64_t users = 0;
  std::uint64_t active_users = 0;
  std::uint64_t last_epoch = 0;
  std::uint64_t commits = 0;
};

/// Of Kafka mode only, over all workers.
struct kafka_figures {
  std::uint64_t records = 0;
  std::uint64_t rows = 0;
  std::uint64_t outputs = 0;
  std::uint64_t transactions = 0;
  std::uint64_t aborts = 0;
  std::uint64_t recycled = 0;
  std::uint64_t real_gaps = 0;
  std::uint64_t refetches = 0;
};

struct run_report {
  double seconds = 0;
  double cpu_seconds = 0;
  std::uint64_t memory_peak_bytes = 0;
  std::uint64_t epochs = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t dead_letters = 0;
  std::uint64_t decisions = 0;
  counters counts;
  std::variant<local_figures, kafka_figures> of_mode;
};

/// A table.
std::string report_text(const run_report& report);
/// One line of JSON, without a newline.
std::string report_json(const run_report& report);

} // namespace fairuse
