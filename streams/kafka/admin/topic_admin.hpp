// SPDX-License-Identifier: Apache-2.0
//
// Topics, described and created through librdkafka's admin API. Nothing is altered or deleted here; operators do that
// with Kafka's own tools.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/pure/result.hpp"
#include "streams/kafka/admin/topic_rules.hpp"
#include "streams/kafka/broker/cluster.hpp"
#include "streams/kafka/broker/real_cluster.hpp"

namespace fairuse::kafka {

struct created_topic {
  std::string topic;
  /// TOPIC_ALREADY_EXISTS is an error too.
  call_result<> made;
};

/// What the brokers say of topics.
struct topic_view {
  /// How many brokers there are.
  std::int32_t brokers = 0;
  /// In the order asked.
  std::vector<found_topic> topics;
};

class topic_admin {
public:
  virtual ~topic_admin() = default;
  virtual call_result<topic_view> describe(std::span<const std::string> topics) = 0;
  /// All in one request, which is answered for each topic apart; those that are there stay as they are.
  virtual call_result<std::vector<created_topic>> create(std::span<const wanted_topic> topics, std::int32_t partitions,
                                                         std::int32_t replicas) = 0;
};

/// An error if the options cannot work.
result<std::unique_ptr<topic_admin>> make_topic_admin(const real_cluster_options& options);

} // namespace fairuse::kafka
