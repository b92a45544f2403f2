// SPDX-License-Identifier: Apache-2.0
//
// `fairuse capacity`: what a number of users needs of machines and brokers. Arithmetic on measured costs
// (docs/capacity.md says where each comes from); asks nobody and reads nothing.
#pragma once

#include <cstdint>

#include "cli/command.hpp"

namespace fairuse::cli {

/// Who is to be served.
struct capacity_question {
  std::uint64_t users = 0;
  /// Speech per user and day.
  double minutes = 30;
  /// One speech event covers so much speech, and has one STT event beside it.
  double seconds_per_event = 60;
  /// The busiest hour against the average one.
  double peak = 3;
  /// Share of users who are in memory at the peak.
  double awake = 0.1;
  std::int64_t epoch_ms = 50;
};

/// What it takes; the unit is in the name.
struct capacity_answer {
  double events_per_day = 0;
  double events_per_second_peak = 0;
  double cores = 0;
  std::uint64_t partitions = 0;
  std::uint64_t instances = 0;
  double memory_mib_per_instance = 0;
  double store_gib = 0;
  double changelog_gib = 0;
  double changelog_mib_per_second_peak = 0;
  double journal_gib_per_day = 0;
  double cold_restore_seconds_per_partition = 0;
  double transactions_per_second = 0;
};

capacity_answer answer_of(const capacity_question& asked);

extern const command capacity_command;

} // namespace fairuse::cli
