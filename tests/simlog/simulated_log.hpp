// SPDX-License-Identifier: Apache-2.0
//
// The broker's side of a Kafka in memory: topics, transactions, groups, a clock of its own, and requests that are still
// under way. Client objects of any number of simulated processes (simulated_cluster.hpp) share it; it outlives them all
// and so keeps what a crash leaves behind.
//
// Everything follows from the order of calls: there is no real time, no thread and no randomness in here. What is late
// comes when the clock has reached its time or when enough calls were made, whichever is first, so a client that only
// asks again makes progress too.
// Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "streams/kafka/broker/cluster.hpp"
#include "tests/simlog/group_coordinator.hpp"
#include "tests/simlog/partition_log.hpp"
#include "tests/simlog/transaction_coordinator.hpp"

namespace fairuse::simlog {

using kafka::milliseconds;
using kafka::topic_partition;

struct log_options {
  time_ms start = 1'750'000'000'000;
  /// How often the coordinator aborts overdue transactions.
  milliseconds scan{10'000};
  /// What an answer `again` has cost its caller: it waited for that long.
  milliseconds retry{100};
};

/// When something late arrives: after so many calls or so much time.
struct delay {
  std::uint64_t calls = 0;
  time_ms span = 0;
};

/// Asked once per marker; nullopt: at once. An empty function: all at once.
using marker_delays = std::function<std::optional<delay>()>;

class simulated_log {
public:
  explicit simulated_log(log_options how = {});
  simulated_log(const simulated_log&) = delete;
  simulated_log& operator=(const simulated_log&) = delete;

  // --- for the driver

  void make_topic(const std::string& name, std::int32_t partitions);
  time_ms now() const { return now_; }
  /// Time advances: sessions end, transactions are timed out, late requests arrive. A process that made no call for
  /// longer than its session is out of its group, so go in small steps where no session is to end.
  void advance(milliseconds span);
  /// No request is answered until that time has passed. Sessions start anew afterwards, transactions do not.
  void outage(milliseconds span);
  bool reachable() const { return now_ >= down_until_; }
  /// An open transaction is overdue at the next scan, which is now.
  void time_out(const std::string& transactional_id);
  /// Everything late arrives now.
  void settle();

  // --- for checkers

  partition_log& log_of(const topic_partition& of);
  const partition_log& log_of(const topic_partition& of) const;
  /// 0: no such topic.
  std::int32_t partition_count(const std::string& topic) const;
  /// What a reader gets from the whole partition, in order.
  std::vector<log_entry> records(const topic_partition& of, kafka::isolation how) const;
  std::size_t markers(const topic_partition& of) const;
  group_coordinator& group(const std::string& name);
  transaction_coordinator& transactions() { return transactions_; }
  const transaction_coordinator& transactions() const { return transactions_; }
  /// Requests and markers that are still under way.
  std::size_t under_way() const { return late_.size(); }
  std::uint64_t calls() const { return calls_; }

  // --- requests, as client objects send them

  /// Every call of a client begins here.
  void arrive();
  /// The caller waited for nothing.
  void waited() { advance(options_.retry); }
  error_code init(credentials& who, milliseconds timeout, const marker_delays& delays);
  error_code add_partition(const credentials& who, const topic_partition& part);
  error_code append(const credentials& who, const topic_partition& part, stored_record what, std::int64_t& offset);
  error_code add_group(const credentials& who, const std::string& group);
  error_code send_offsets(const credentials& who, const identity& as, const offset_map& offsets);
  error_code end(const credentials& who, bool commit, const marker_delays& delays);
  void later(const delay& when, std::function<void()> what);

private:
  struct late_request {
    std::uint64_t at_call;
    time_ms at;
    std::function<void()> what;
  };

  void advance_to(time_ms to);
  void deliver_late(bool all);
  transaction_coordinator::marker_writer writer(const marker_delays& delays);

  log_options options_;
  std::map<std::string, std::vector<partition_log>> topics_;
  std::map<std::string, group_coordinator> groups_;
  transaction_coordinator transactions_;
  std::list<late_request> late_;
  time_ms now_;
  time_ms next_scan_;
  time_ms down_until_ = 0;
  std::uint64_t calls_ = 0;
};

} // namespace fairuse::simlog
