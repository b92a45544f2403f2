// SPDX-License-Identifier: Apache-2.0

#include "cli/kafka_options.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "streams/kafka/broker/partitioner.hpp"

namespace fairuse::cli {

void log_kafka_line(log_level level, const std::string& text) {
  switch (level) {
    case log_level::trace:
    case log_level::debug:
      return spdlog::debug("{}", text);
    case log_level::info:
      return spdlog::info("{}", text);
    case log_level::warning:
      return spdlog::warn("{}", text);
    case log_level::error:
      return spdlog::error("{}", text);
  }
}

kafka::milliseconds heartbeat_of(const kafka_settings& settings) {
  return kafka::milliseconds{std::min<std::int64_t>(3'000, settings.session_timeout_ms / 4)};
}

kafka::real_cluster_options cluster_options(const kafka_settings& settings) {
  using kafka::milliseconds;
  const auto all = client_properties(settings);
  kafka::real_cluster_options options{.bootstrap = bootstrap_servers(settings)};
  options.properties.assign(all.begin(), all.end());
  options.client_id = client_id(settings);
  options.token_file = settings.token_file.string();
  options.transaction_timeout = milliseconds{settings.transaction_timeout_ms};
  options.session_timeout = milliseconds{settings.session_timeout_ms};
  options.heartbeat_interval = heartbeat_of(settings);
  options.log = log_kafka_line;
  return options;
}

kafka::topic_needs topic_needs_of(const deployment& settings) {
  const auto& streams = settings.kafka;
  kafka::topic_needs needs{.replay_ms = settings.retention.input_ms,
                           .decisions_ms = settings.retention.decisions_ms,
                           .record_bytes_max = streams.record_bytes_max,
                           .dead_letter_extra_bytes = kafka_settings::dead_letter_extra_bytes};
  for (const auto& topic : streams.inputs)
    needs.topics.emplace_back(topic_role::input, topic);
  for (const auto& [role, topic] : streams.outputs.named())
    needs.topics.emplace_back(role, *topic);
  return needs;
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

} // namespace fairuse::cli
