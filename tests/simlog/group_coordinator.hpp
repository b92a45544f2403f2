// SPDX-License-Identifier: Apache-2.0
//
// One consumer group as its coordinator keeps it: static members, generations, the range assignor, sessions, committed
// offsets, and offsets that open transactions hold back. An answer is Kafka's name of the error, empty for none.
// Invariants: a generation begins when every member has joined it; no assignment changes within one.
// Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "streams/kafka/broker/cluster.hpp"
#include "tests/simlog/partition_log.hpp"

namespace fairuse::simlog {

using part_list = std::vector<kafka::topic_partition>;
using error_code = std::string;

/// As a client identifies itself in an offset commit.
struct identity {
  std::string group;
  std::int32_t generation = -1;
  std::string member;
  std::string instance;
};

struct stored_offset {
  std::int64_t offset = -1;
  std::string metadata;
  friend bool operator==(const stored_offset&, const stored_offset&) = default;
};

using offset_map = std::map<kafka::topic_partition, stored_offset>;

class group_coordinator {
public:
  using partition_counter = std::function<std::int32_t(const std::string& topic)>;

  // --- members

  /// `who.member` is filled in where it is empty. A static member that comes back into a settled group with the same
  /// topics takes its place without a rebalance.
  error_code join(identity& who, const std::vector<std::string>& topics, time_ms session, time_ms now);
  /// REBALANCE_IN_PROGRESS: join again.
  error_code heartbeat(const identity& who, time_ms now);
  /// What the member has in the current generation; nullopt while others still have to join.
  std::optional<part_list> sync(identity& who) const;
  /// Removes members whose session is over.
  void expire(time_ms now);
  /// The coordinator came up again: sessions start anew.
  void restart_sessions(time_ms now);

  // --- offsets

  error_code hold(producer_number by, const identity& who, const offset_map& offsets);
  /// The transaction's marker reached the group.
  void end_transaction(producer_number by, bool commit);
  bool is_unstable(const kafka::topic_partition& of) const;

  const offset_map& committed() const { return committed_; }
  const std::map<producer_number, offset_map>& pending() const { return pending_; }
  std::int32_t generation() const { return generation_; }
  bool rebalancing() const { return rebalancing_; }
  /// Instance ids.
  std::set<std::string> members() const;
  /// As an operator or the retention of offsets does.
  void forget_offsets() { committed_.clear(); }
  void reset_offset(const kafka::topic_partition& of, const stored_offset& to) { committed_[of] = to; }

  partition_counter count_partitions;

private:
  struct group_member {
    std::string member;
    std::vector<std::string> topics;
    time_ms last_seen = 0;
    time_ms session = 0;
    bool joined = false;
    part_list assigned;
  };

  error_code validate(const identity& who) const;
  void begin_rebalance();
  void complete_if_all_joined();
  void assign_ranges();

  /// By instance id, which is also the range assignor's order.
  std::map<std::string, group_member> members_;
  offset_map committed_;
  std::map<producer_number, offset_map> pending_;
  std::int32_t generation_ = 0;
  std::uint64_t joins_ = 0;
  bool rebalancing_ = false;
};

} // namespace fairuse::simlog
