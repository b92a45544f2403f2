// SPDX-License-Identifier: Apache-2.0
//
// What the commit protocol needs of its topics: equal numbers of partitions, compaction where the last value is the
// state and none where every record counts, tombstones that outlast an outage, retention for the time of a replay,
// records as large as a dead letter. `wanted_topics` gives the settings of new topics, `differences` what is wrong with
// existing ones.
//
// Threads: pure functions on plain values.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "events/topics.hpp"

namespace fairuse::kafka {

struct topic_needs {
  /// Role and name, inputs first.
  std::vector<std::pair<topic_role, std::string>> topics;
  /// How far back a replay may be asked for.
  std::int64_t replay_ms = 0;
  std::int64_t decisions_ms = 0;
  /// Largest record of the inputs, and what a dead letter adds to it.
  std::uint64_t record_bytes_max = 0;
  std::uint64_t dead_letter_extra_bytes = 0;
};

using topic_config = std::map<std::string, std::string>;

struct wanted_topic {
  topic_role role = topic_role::input;
  std::string topic;
  topic_config config;
};

struct found_topic {
  std::string topic;
  bool exists = false;
  /// The brokers do not let this user see it: whether it exists is not known.
  bool hidden = false;
  std::int32_t partitions = 0;
  /// The least of its partitions.
  std::int32_t replicas = 0;
  /// Empty: the brokers do not let this user read the configuration.
  topic_config config;
};

/// `needed`: without it decisions could be lost, doubled or impossible to replay.
enum class gravity : std::uint8_t { needed, better };

struct difference {
  gravity how = gravity::needed;
  std::string topic;
  /// What is and what should be.
  std::string what;
  /// A command, or a sentence.
  std::string remedy;
};

/// In the order of `needs.topics`. `replicas`: how many copies each will have.
std::vector<wanted_topic> wanted_topics(const topic_needs& needs, std::int32_t replicas);

/// `found` in the order of `needs.topics`; `brokers`: how many the cluster has; `tool_options`: what Kafka's own tools
/// need to reach it (--bootstrap-server host:port). In the order of the topics, partitions first.
std::vector<difference> differences(const topic_needs& needs, std::span<const found_topic> found, std::int32_t brokers,
                                    std::string_view tool_options);

/// Partitions that all inputs have; 0: they differ, or there are none.
std::int32_t common_partitions(const topic_needs& needs, std::span<const found_topic> found);

} // namespace fairuse::kafka
