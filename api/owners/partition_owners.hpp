// SPDX-License-Identifier: Apache-2.0
//
// Kafka mode: which instance decides on which partition, and how it is reached. Every instance writes into the
// compacted topic `fairuse.instances.v1` what it owns (key: the partition), and reads what all others wrote. Of two
// that claim a partition the one with the later epoch owns it: only an owner commits epochs.
//
// Where an owner died, its row stands there until the next owner has taken over; whoever asks it meanwhile learns that
// nobody is there.
// Threads: made and destroyed on one; url_of() from any. One of its own reads and writes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "api/topic_reader.hpp"
#include "base/pure/log_level.hpp"
#include "engine/engine.hpp"
#include "streams/kafka/broker/cluster.hpp"
#include "streams/kafka/worker/engine_rules.hpp"

namespace fairuse {

struct partition_owners_options {
  std::string topic;
  /// How many partitions there are.
  std::string input;
  kafka::partition_function partition_of = nullptr;
  /// Of this instance.
  std::string instance;
  std::string url;
  std::string transactional_id;
  /// What this instance owns now. From the own thread.
  std::function<std::vector<owned_partition>()> owned;
  /// From any thread.
  std::function<void(log_level, const std::string&)> log;
};

class partition_owners {
public:
  /// REQUIRES: the brokers outlive it.
  partition_owners(partition_owners_options options, kafka::cluster& brokers);

  /// Of the instance that decides on the user. Nullopt: it is this one, or nobody is known.
  std::optional<std::string> url_of(std::string_view uid) const;

private:
  struct claim {
    std::string instance;
    std::string url;
    std::uint64_t epoch = 0;
  };

  void work(const std::stop_token& stop);
  kafka::call_result<bool> begin(const topic_reader::take& told);
  void take(const kafka::record& what);
  kafka::call_result<> write_claims();
  std::vector<owned_partition> unclaimed() const;
  kafka::call_result<> write(const std::vector<owned_partition>& which);
  void tell(const kafka::call_error& why);

  const partition_owners_options options_;
  kafka::cluster& brokers_;
  topic_reader reader_;
  bool follows_ = false;
  std::string last_told_;
  mutable std::mutex mutex_;
  std::int32_t partitions_ = 0;
  std::map<std::int32_t, claim> claims_;
  // Stops and joins.
  std::jthread thread_;
};

} // namespace fairuse
