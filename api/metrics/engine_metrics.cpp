// SPDX-License-Identifier: Apache-2.0

#include "api/metrics/engine_metrics.hpp"

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace fairuse {

namespace {

constexpr std::array<std::string_view, 4> partition_states{"ready", "restoring", "refused", "failed"};

double number(std::uint64_t value) { return static_cast<double>(value); }
double seconds_of(std::int64_t ms) { return static_cast<double>(ms) / 1e3; }

void show_events(const engine_figures& from, shown_metrics& to) {
  const auto show_one = [&to](std::string_view kind, std::string_view outcome, std::uint64_t count) {
    to.counter("fairuse_events_total", "Events, by kind and by what became of them.", number(count),
               {{"kind", std::string{kind}}, {"outcome", std::string{outcome}}});
  };
  const auto& events = from.events;
  std::uint64_t refused = 0;
  for (std::size_t i = 0; i < event_kind_count; ++i) {
    const auto kind = to_text(static_cast<event_kind>(i));
    show_one(kind, "accepted", events.accepted[i]);
    show_one(kind, "duplicate", events.duplicates[i]);
    show_one(kind, "stale", events.stale[i]);
    show_one(kind, "refused", events.refused[i]);
    refused += events.refused[i];
  }
  // What was refused before anybody looked at its kind.
  const auto all = sum_of(from.dead_letters);
  show_one("unknown", "refused", all > refused ? all - refused : 0);
  for (std::size_t i = 0; i < refusal_count; ++i)
    to.counter("fairuse_dead_letters_total", "Inputs that became dead letters, by reason.",
               number(from.dead_letters[i]), {{"reason", std::string{to_text(static_cast<refusal>(i))}}});
  to.counter("fairuse_speech_moved_to_backfill_total", "Speech that came so late that it is metered and not compared.",
             number(from.moved_to_backfill));
  to.counter("fairuse_command_ids_reused_total", "Commands that came under the id of another one, and did nothing.",
             number(from.reused_command_ids));
}

void show_decisions(const engine_figures& from, shown_metrics& to) {
  auto all = from.decisions.of_slots;
  all.try_emplace("live");
  for (const auto& [slot, counts] : all)
    for (std::size_t i = 0; i < decision_kind_count; ++i)
      to.counter("fairuse_decisions_total", "Decisions; those of mode live are enforced.", number(counts[i]),
                 {{"slot", slot},
                  {"mode", slot == "live" ? "live" : "shadow"},
                  {"decision", std::string{to_text(static_cast<decision_kind>(i))}}});
}

void show_durations(shown_metrics& to, const std::string& name, const std::string& help, const duration_counts& from) {
  std::array<double, duration_counts::bounds_us.size()> bounds{};
  for (std::size_t i = 0; i < bounds.size(); ++i)
    bounds[i] = static_cast<double>(duration_counts::bounds_us[i]) / 1e6;
  to.histogram(name, help, bounds, from.counts, static_cast<double>(from.sum_us) / 1e6);
}

void show_commits(const engine_figures& from, shown_metrics& to) {
  to.counter("fairuse_epochs_total", "Epochs that were decided.", number(from.epochs));
  to.counter("fairuse_commits_total", "Commits (local mode) or transactions (Kafka mode).", number(from.commits));
  show_durations(to, "fairuse_epoch_seconds", "From the seal of an epoch until all of it is decided.",
                 from.epoch_times);
  show_durations(to, "fairuse_commit_seconds", "From there until it is durable and published.", from.commit_times);
  if (from.mode == stream_kind::local) return;
  to.counter("fairuse_commits_failed_total", "Transactions that were not committed; their epochs were decided again.",
             number(from.broker.aborts));
  to.counter("fairuse_producers_replaced_total", "Producers that were given up after a fault.",
             number(from.broker.recycled));
  to.counter("fairuse_rebalances_total", "How often the group gave partitions or took them.",
             number(from.broker.rebalances));
}

void show_partition(const partition_figures& from, shown_metrics& to) {
  const shown_metrics::labels of{{"partition", std::to_string(from.partition)}};
  const auto gauge = [&](const std::string& name, const std::string& help, double value) {
    to.gauge(name, help, value, of);
  };
  gauge("fairuse_epoch", "Number of the last committed epoch.", number(from.epoch));
  if (from.epoch_age_ms >= 0)
    gauge("fairuse_epoch_age_seconds", "Since `now` of the last epoch.", seconds_of(from.epoch_age_ms));
  if (from.lag_records >= 0) gauge("fairuse_lag_records", "Records that wait.", static_cast<double>(from.lag_records));
  if (from.lag_ms >= 0)
    gauge("fairuse_lag_seconds", "While events wait: how long ago the newest that was decided happened.",
          seconds_of(from.lag_ms));
}

void show_partitions(const engine_figures& from, shown_metrics& to) {
  std::uint64_t users = 0;
  std::uint64_t rows = 0;
  for (const auto& each : from.partitions) {
    show_partition(each, to);
    users += each.users;
    rows += each.pending_rows;
  }
  for (const auto state : partition_states) {
    std::uint64_t count = 0;
    for (const auto& each : from.partitions)
      count += each.state == state ? 1 : 0;
    to.gauge("fairuse_partitions", "Partitions of this instance, by state.", number(count),
             {{"state", std::string{state}}});
  }
  to.gauge("fairuse_users_in_memory", "Users whose state is in memory.", number(users));
  if (from.mode == stream_kind::kafka)
    to.gauge("fairuse_rows_pending", "Rows that are committed and not in the store yet.", number(rows));
}

} // namespace

void show(const engine_figures& from, shown_metrics& to) {
  show_events(from, to);
  show_decisions(from, to);
  show_commits(from, to);
  show_partitions(from, to);
}

std::vector<std::string> missing_of(const engine_figures& from) {
  if (from.mode == stream_kind::kafka and from.broker.rebalances == 0)
    return {"the group has not said which partitions are this instance's"};
  std::vector<std::string> missing;
  for (const auto& each : from.partitions)
    if (each.state != "ready")
      missing.push_back(
          fmt::format("partition {} is {}{}{}", each.partition, each.state, each.says.empty() ? "" : ": ", each.says));
  return missing;
}

} // namespace fairuse
