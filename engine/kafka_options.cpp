// SPDX-License-Identifier: Apache-2.0

#include "engine/kafka_options.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include <unistd.h>

#include "config/policy_file.hpp"
#include "engine/client_library.hpp"
#include "engine/config_commands.hpp"
#include "streams/kafka/broker/partitioner.hpp"

namespace fairuse {

namespace {

using kafka::milliseconds;

// The interval of a member's heartbeats.
milliseconds heartbeat_of(const kafka_settings& settings) {
  return milliseconds{std::min<std::int64_t>(3'000, settings.session_timeout_ms / 4)};
}

// An epoch must end well within its transaction.
milliseconds backlog_epoch_of(const kafka_settings& from) {
  const auto fitting = std::min(milliseconds{from.transaction_timeout_ms / 3}, kafka::engine_bounds{}.backlog_epoch);
  return std::max(fitting, milliseconds{from.epoch_ms});
}

kafka::configured_rules configured_rules_of(const loaded_deployment& all) {
  const auto& settings = all.settings;
  return {
      .live = all.live,
      .shadows = all.shadows,
      .enabled = settings.enabled,
      .killed = settings.kill_switch,
      .text_of = canonical,
      .parse = parse_canonical,
      .commands_for = [settings](const std::map<std::string, std::string>& remembered, const std::string& promotes) {
        auto made = make_config_commands(settings, remembered, promotes);
        return kafka::configured_rules::config_commands{std::move(made.lines), std::move(made.settings)};
      }};
}

} // namespace

kafka::real_cluster_options cluster_options(const kafka_settings& settings,
                                            std::function<void(log_level, const std::string&)> log) {
  const auto all = client_properties(settings);
  kafka::real_cluster_options options{.bootstrap = bootstrap_servers(settings)};
  options.properties.assign(all.begin(), all.end());
  options.client_id = client_id(settings);
  options.token_file = settings.token_file.string();
  options.transaction_timeout = milliseconds{settings.transaction_timeout_ms};
  options.session_timeout = milliseconds{settings.session_timeout_ms};
  options.heartbeat_interval = heartbeat_of(settings);
  options.log = std::move(log);
  return options;
}

run_result<std::unique_ptr<kafka::cluster>> open_brokers(
    const kafka_settings& settings, const std::function<void(log_level, const std::string&)>& log) {
  for (const auto& warning : transport_warnings(settings, kafka_client_library()))
    log(log_level::warning, warning);
  auto brokers = kafka::make_real_cluster(cluster_options(settings, log));
  if (not brokers) return run_error{run_fault::refused, std::move(brokers.error().message)};
  return std::move(*brokers);
}

std::string host_name() {
  std::array<char, 256> host{};
  return ::gethostname(host.data(), host.size() - 1) == 0 ? host.data() : "";
}

kafka::partition_function partition_function_of(key_partitioner how) {
  switch (how) {
    case key_partitioner::murmur2:
      return [](std::string_view key, std::int32_t count) {
        return kafka::partition_of(kafka::key_hash::murmur2, key, count);
      };
    case key_partitioner::consistent:
      return [](std::string_view key, std::int32_t count) {
        return kafka::partition_of(kafka::key_hash::crc32, key, count);
      };
    case key_partitioner::fnv1a:
      return [](std::string_view key, std::int32_t count) {
        return kafka::partition_of(kafka::key_hash::fnv1a, key, count);
      };
    case key_partitioner::unchecked:
      break;
  }
  return nullptr;
}

kafka::partition_function own_partition_function(key_partitioner how) {
  return partition_function_of(how == key_partitioner::unchecked ? key_partitioner::murmur2 : how);
}

kafka::engine_rules engine_rules_of(const run_settings& settings, const loaded_deployment& all) {
  const auto& wanted = all.settings;
  const auto& from = wanted.kafka;
  return {.app = from.app,
          .inputs = from.inputs,
          .outputs = from.outputs,
          .partition_of = partition_function_of(from.partitioner),
          .partitioner = std::string{to_text(from.partitioner)},
          .start = from.start,
          .dead_letters = from.dead_letters,
          .dead_letter_bytes_max = from.record_bytes_max + kafka::dead_letter_room,
          .bounds = {.epoch = milliseconds{from.epoch_ms},
                     .backlog_epoch = backlog_epoch_of(from),
                     .epoch_events = from.epoch_events_max,
                     .write_every = milliseconds{from.pending.write_every_ms},
                     .pending_rows = from.pending.rows_max,
                     .pending_bytes = from.pending.bytes_max,
                     .active_users = settings.max_active_users.value_or(wanted.active_users_max),
                     .group_heartbeat = heartbeat_of(from),
                     .owner_commit = milliseconds{from.session_timeout_ms / 2}},
          .configured = configured_rules_of(all),
          .source = wanted.source,
          .usage_retention_ms = wanted.retention.usage_ms,
          .decision_retention_ms = wanted.retention.decisions_ms,
          .adopt_topics = {settings.adopt_topics.begin(), settings.adopt_topics.end()},
          .program = settings.program};
}

} // namespace fairuse
