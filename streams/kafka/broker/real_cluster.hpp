// SPDX-License-Identifier: Apache-2.0
//
// The port of streams/kafka/broker/cluster.hpp on librdkafka's C API, measured against 2.0.2 (docs/kafka-notes.md).
//
// Every object has a librdkafka handle of its own (4 threads, about 150 KB and what it has fetched). Callbacks run
// inside our own calls, so each object stays on the thread of its owner; only log lines come from librdkafka's threads.
// REQUIRES: a batch is destroyed before the consumer or reader that handed it out.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/pure/log_level.hpp"
#include "base/pure/result.hpp"
#include "streams/kafka/broker/cluster.hpp"

namespace fairuse::kafka {

struct real_cluster_options {
  /// host:port,host:port
  std::string bootstrap;
  /// librdkafka's names; given to every client. Settings that the protocol needs cannot be set here.
  std::vector<std::pair<std::string, std::string>> properties;
  std::string client_id = "fairuse";
  /// With sasl.mechanism OAUTHBEARER: where the token stands. Empty: librdkafka's own ways.
  std::string token_file;
  milliseconds transaction_timeout{30'000};
  milliseconds session_timeout{45'000};
  milliseconds heartbeat_interval{3'000};
  /// A member that is not polled for so long leaves its group.
  milliseconds max_poll_interval{300'000};
  /// How long one question to a broker may take before the answer is `again`.
  milliseconds call_timeout{5'000};
  /// How often last stable offsets and retries are read.
  milliseconds statistics_interval{1'000};
  /// Kafka's own lines, and ours about records that could not be fetched. Called from any thread.
  std::function<void(log_level, const std::string&)> log;
};

/// An error if the options cannot work: why, and what to do. Does not connect yet.
result<std::unique_ptr<cluster>> make_real_cluster(real_cluster_options options);

} // namespace fairuse::kafka
