// SPDX-License-Identifier: Apache-2.0
//
// `streams: {kind: kafka, ...}` of a deployment: which brokers and topics, this engine's name in its group, and the
// bounds of an epoch. All of it was checked when the file was loaded, each value and all of them together; `fairuse
// topics check` compares it with the brokers.
//
// INVARIANT: 3 * epoch <= transaction_timeout, and transaction_timeout + abort_scan <= session_timeout: an engine that
// takes over a partition finds the transaction of the owner that failed already ended.
// INVARIANT: `properties` holds nothing that `may_set_property` refuses, and no name that is unknown to librdkafka.
// `properties` holds secrets: never log a value of it.
// Threads: plain values, nothing shared.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/kafka_properties.hpp"
#include "config/yaml.hpp"
#include "events/topics.hpp"

namespace fairuse {

/// How the producers of the inputs choose a partition from a key. It is checked record by record.
enum class key_partitioner : std::uint8_t {
  murmur2,    ///< Java producers
  consistent, ///< CRC32: the default of librdkafka and of what is built on it
  fnv1a,      ///< Sarama
  unchecked,  ///< any: it is only assumed that equal keys have one partition
};

std::string_view to_text(key_partitioner value);

/// Rows that are committed but not yet in RocksDB; input is held back beyond the limits.
struct pending_rule {
  std::int64_t write_every_ms = 3'000;
  std::uint64_t rows_max = 250'000;
  std::uint64_t bytes_max = 64ULL << 20U;
};

struct kafka_settings {
  /// What a dead letter may need beyond the record it carries.
  static constexpr std::uint64_t dead_letter_extra_bytes = 64ULL << 10U;

  /// host:port, as written.
  std::vector<std::string> bootstrap;
  /// Consumer group and prefix of the transactional ids.
  std::string app = "fairuse";
  /// As written; empty: `instance_of` decides.
  std::string instance;
  /// Threads, each with a consumer, a transactional producer and its partitions.
  std::uint32_t workers = 1;
  std::vector<std::string> inputs = {"fairuse.events.v1"};
  topic_names outputs;
  key_partitioner partitioner = key_partitioner::murmur2;
  start_rule start;
  std::int64_t epoch_ms = 50;
  std::uint32_t epoch_events_max = 400'000;
  std::int64_t transaction_timeout_ms = 30'000;
  std::int64_t session_timeout_ms = 45'000;
  /// How often the brokers end transactions that ran out of time; only a test's broker does it faster.
  std::int64_t abort_scan_ms = 10'000;
  /// Largest record of the inputs; the default is Kafka's.
  std::uint64_t record_bytes_max = 1'048'588;
  pending_rule pending;
  dead_letter_share dead_letters;
  /// With sasl.mechanism OAUTHBEARER: a file with a JWT that is kept fresh. Empty: librdkafka's own ways.
  std::filesystem::path token_file;
  /// librdkafka's, name -> value, with the contents of secret files.
  std::map<std::string, std::string> properties;
};

/// What is wrong with the name of a topic; empty: nothing.
std::string topic_problem(std::string_view topic);

/// Reads everything of `streams` but `kind`. Paths resolve against `folder`.
void bind_kafka(yaml::map_reader& streams, const std::filesystem::path& folder, const client_library& library,
                kafka_settings& into);

/// Variable that names the instance where the file does not.
inline constexpr const char* instance_variable = "FAIRUSE_INSTANCE";

/// The name of this process, the same after a restart: the file's `instance`, else the variable's value, else the
/// host's name. An error: the one that is used is not 1 to 64 letters, digits, dots, hyphens or underscores.
result<std::string> instance_of(const kafka_settings& settings, std::string_view variable, std::string_view host);

/// transactional.id and group.instance.id of a worker: app.instance.worker.
std::string worker_name(const kafka_settings& settings, std::string_view instance, std::uint32_t worker);

/// Consumer groups of the processes beside the engine, and prefixes of their transactional ids (group.instance).
std::string reviewer_group(const kafka_settings& settings);
std::string notifier_group(const kafka_settings& settings);

/// host:port,host:port
std::string bootstrap_servers(const kafka_settings& settings);

/// How the brokers' logs and quotas call this engine.
std::string client_id(const kafka_settings& settings);

/// What every client of these brokers is made with besides: the properties, and the sizes that follow from
/// record_bytes_max.
std::map<std::string, std::string> client_properties(const kafka_settings& settings);

/// What a log should say at start: records and passwords that travel in the clear, certificates that are not checked.
std::vector<std::string> transport_warnings(const kafka_settings& settings, const client_library& library);

} // namespace fairuse
