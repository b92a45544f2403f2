// SPDX-License-Identifier: Apache-2.0
//
// Read access to a consumer group: its members, their partitions, its offsets. It neither joins the group nor changes
// it.
//
// Threads: one.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/pure/result.hpp"
#include "streams/kafka/broker/cluster.hpp"
#include "streams/kafka/broker/real_cluster.hpp"

namespace fairuse::kafka {

struct group_member {
  /// group.instance.id of a static member, else the member's id at the coordinator.
  std::string name;
  std::string host;
  std::vector<topic_partition> reads;
};

struct group_description {
  /// Kafka's word: Stable, Empty, Dead (there is no such group), PreparingRebalance, ...
  std::string state;
  std::vector<group_member> members;
};

class group_view {
public:
  virtual ~group_view() = default;
  virtual call_result<group_description> describe() = 0;
  /// In the order asked; `again` while an open transaction holds offsets back.
  virtual call_result<std::vector<committed_offset>> committed(std::span<const topic_partition> partitions) = 0;
};

/// An error if the options cannot work.
result<std::unique_ptr<group_view>> make_group_view(const real_cluster_options& options, const std::string& group);

} // namespace fairuse::kafka
