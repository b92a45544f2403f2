// SPDX-License-Identifier: Apache-2.0
//
// `fairuse capacity`: what a number of users needs of machines and brokers. Arithmetic on measured costs
// (docs/capacity.md says where each comes from); asks no engine and reads nothing.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/pure/text_table.hpp"
#include "cli/commands.hpp"
#include "cli/numbers.hpp"
#include "cli/output.hpp"

namespace fairuse::cli {

namespace {

// Measured; docs/capacity.md has the runs. Seconds are CPU seconds of one core, engine only.
constexpr double seconds_per_event = 3.7e-6;
constexpr double seconds_per_row = 7.4e-6;
constexpr double rows_per_event = 1.3;
constexpr double seconds_per_transaction = 3.0e-3;
constexpr double bytes_per_row = 110;
constexpr double journal_bytes_per_epoch = 180;
constexpr double stored_bytes_per_user_minute = 100;
constexpr double memory_bytes_per_awake_user = 2'500;
constexpr double memory_bytes_fixed = 450.0 * (1 << 20);
constexpr double restore_rows_per_second = 340'000;
constexpr double rows_per_user_minute = 0.8;

// How much of a core may be busy, and how many cores an instance has.
constexpr double busy_max = 0.5;
constexpr double cores_per_instance = 4;
// A partition moves as a whole, so there are some more of them than cores.
constexpr double partitions_per_core = 4;
constexpr std::uint64_t partitions_min = 4;

constexpr double mib = 1 << 20;
constexpr double gib = 1 << 30;
constexpr double seconds_per_day = 86'400;

std::uint64_t whole(double value) { return static_cast<std::uint64_t>(std::ceil(value)); }

/// The load.
struct capacity_question {
  std::uint64_t users = 0;
  /// Speech per user and day.
  double minutes = 30;
  /// One speech event covers so much speech, and has one STT event beside it.
  double seconds_per_event = 60;
  /// The busiest hour against the average one.
  double peak = 3;
  /// Share of users in memory at the peak.
  double awake = 0.1;
  std::int64_t epoch_ms = 50;
};

/// The resources; the unit is in the name.
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

capacity_answer answer_of(const capacity_question& asked) {
  capacity_answer found;
  const auto users = static_cast<double>(asked.users);
  // Speech, and the STT that goes with it.
  found.events_per_day = users * asked.minutes * 60 / asked.seconds_per_event * 2;
  found.events_per_second_peak = found.events_per_day / seconds_per_day * asked.peak;
  const auto rows = found.events_per_second_peak * rows_per_event;
  const auto work = found.events_per_second_peak * seconds_per_event + rows * seconds_per_row;
  // Transactions cost by workers, and there are as many as cores.
  const auto epochs_per_second = 1'000.0 / static_cast<double>(asked.epoch_ms);
  const auto busy = busy_max - epochs_per_second * seconds_per_transaction;
  found.cores = std::max(1.0, work / std::max(busy, 0.05));
  found.partitions = std::max(partitions_min, whole(found.cores * partitions_per_core));
  found.instances = std::max<std::uint64_t>(2, whole(found.cores / cores_per_instance));
  const auto instances = static_cast<double>(found.instances);
  found.memory_mib_per_instance =
      (memory_bytes_fixed + users * asked.awake * memory_bytes_per_awake_user / instances) / mib;
  found.store_gib = users * asked.minutes * stored_bytes_per_user_minute / gib;
  found.changelog_gib = found.store_gib * 1.5;
  found.changelog_mib_per_second_peak = rows * bytes_per_row / mib;
  found.journal_gib_per_day =
      static_cast<double>(found.partitions) * epochs_per_second * seconds_per_day * journal_bytes_per_epoch / gib;
  found.cold_restore_seconds_per_partition =
      users * asked.minutes * rows_per_user_minute / static_cast<double>(found.partitions) / restore_rows_per_second;
  found.transactions_per_second = std::ceil(found.cores) * epochs_per_second;
  return found;
}

std::string text_of(const capacity_question& asked, const capacity_answer& found) {
  return fmt::format(
      "{} users, {} min of speech a day each, a speech and an STT event per {} s\n"
      "of it, peak hour {} x the average\n\n"
      "events a day                       {:>12}\n"
      "events a second at the peak        {:>12.0f}\n"
      "cores (half busy at the peak)      {:>12.1f}\n"
      "partitions                         {:>12}\n"
      "instances of {} cores               {:>12}\n"
      "memory per instance                {:>8.0f} MiB\n"
      "stores on disk, all instances      {:>8.1f} GiB\n"
      "changelog topic, compacted         {:>8.1f} GiB per copy\n"
      "  written at the peak              {:>8.1f} MiB/s\n"
      "journal a day                      {:>8.2f} GiB per copy\n"
      "cold restore of a partition        {:>8.0f} s\n"
      "transactions a second at brokers   {:>12.0f}\n\n"
      "Arithmetic on what was measured on one machine (docs/capacity.md): plan with a\n"
      "margin, then measure yours.\n",
      asked.users, asked.minutes, asked.seconds_per_event, asked.peak,
      grouped(static_cast<std::uint64_t>(found.events_per_day)), found.events_per_second_peak, found.cores,
      found.partitions, cores_per_instance, found.instances, found.memory_mib_per_instance, found.store_gib,
      found.changelog_gib, found.changelog_mib_per_second_peak, found.journal_gib_per_day,
      found.cold_restore_seconds_per_partition, found.transactions_per_second);
}

std::string json_of(const capacity_answer& found) {
  const nlohmann::ordered_json text = {{"events_per_day", found.events_per_day},
                                       {"events_per_second_peak", found.events_per_second_peak},
                                       {"cores", found.cores},
                                       {"partitions", found.partitions},
                                       {"instances", found.instances},
                                       {"memory_mib_per_instance", found.memory_mib_per_instance},
                                       {"store_gib", found.store_gib},
                                       {"changelog_gib", found.changelog_gib},
                                       {"changelog_mib_per_second_peak", found.changelog_mib_per_second_peak},
                                       {"journal_gib_per_day", found.journal_gib_per_day},
                                       {"cold_restore_seconds_per_partition", found.cold_restore_seconds_per_partition},
                                       {"transactions_per_second", found.transactions_per_second}};
  return text.dump(2);
}

std::function<int()> declare_capacity(CLI::App& app) {
  auto asked = std::make_shared<capacity_question>();
  auto json = std::make_shared<bool>(false);
  app.add_option("--users", asked->users, "How many users there are")
      ->required()
      ->check(number_between(1ULL, 10'000'000'000ULL));
  app.add_option("--minutes", asked->minutes, "Minutes of speech per user and day")
      ->check(number_between(0.1, 1'440.0))
      ->capture_default_str();
  app.add_option("--seconds-per-event", asked->seconds_per_event, "Speech that one event covers")
      ->check(number_between(1.0, 3'600.0))
      ->capture_default_str();
  app.add_option("--peak", asked->peak, "The busiest hour against the average one")
      ->check(number_between(1.0, 24.0))
      ->capture_default_str();
  app.add_option("--awake", asked->awake, "Share of users in memory at the peak")
      ->check(number_between(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--epoch-ms", asked->epoch_ms, "Length of an epoch")
      ->check(number_between(5, 10'000))
      ->capture_default_str();
  app.add_flag("--json", *json, "Print JSON on stdout");
  return [asked, json] {
    const auto found = answer_of(*asked);
    if (*json)
      print_out("{}\n", json_of(found));
    else
      print_out("{}", text_of(*asked, found));
    return static_cast<int>(exit_done);
  };
}

} // namespace

const command capacity_command = {
    "capacity",
    "What a number of users needs: partitions, instances, memory, disk, restore time.",
    "fairuse capacity --users 1000000 --minutes 13\n"
    "fairuse capacity --users 100000000 --minutes 13 --peak 4 --json",
    declare_capacity,
};

} // namespace fairuse::cli
