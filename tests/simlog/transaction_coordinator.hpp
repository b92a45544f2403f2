// SPDX-License-Identifier: Apache-2.0
//
// Transactions as their coordinator keeps them, in the protocol that librdkafka uses: a producer's epoch grows with
// init_transactions and with an abort by time-out, not with each transaction. So a request of one transaction that
// comes late can end a later one of the same epoch. Invariants: nothing is added while markers of the last transaction
// are on their way; of one id only the newest epoch is accepted. Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "streams/kafka/broker/cluster.hpp"
#include "tests/simlog/group_coordinator.hpp"

namespace fairuse::simlog {

enum class transaction_state : std::uint8_t {
  empty,
  ongoing,
  prepare_commit,
  prepare_abort,
  complete_commit,
  complete_abort
};

struct transaction {
  producer_number producer = -1;
  std::int32_t epoch = 0;
  transaction_state state = transaction_state::empty;
  std::set<kafka::topic_partition> partitions;
  std::set<std::string> groups;
  time_ms started = 0;
  time_ms timeout = 0;
  /// Markers that are still on their way.
  std::size_t unwritten = 0;
};

/// Who sends.
struct credentials {
  std::string id;
  producer_number producer = -1;
  std::int32_t epoch = -1;
};

class transaction_coordinator {
public:
  /// Has to lead to marker_written() once for each partition and group of the transaction.
  using marker_writer = std::function<void(const std::string& id, const transaction& which, bool commit)>;

  /// Fills in the producer and its epoch. CONCURRENT_TRANSACTIONS: ask again.
  error_code init(credentials& who, time_ms timeout, const marker_writer& write);
  error_code add_partition(const credentials& who, const kafka::topic_partition& part, time_ms now);
  error_code add_group(const credentials& who, const std::string& group, time_ms now);
  /// Whether a partition leader may take a record, as the check of brokers for old clients does.
  error_code verify(const credentials& who, const kafka::topic_partition& part) const;
  /// The same for the group's coordinator.
  error_code verify_group(const credentials& who, const std::string& group) const;
  error_code end(const credentials& who, bool commit, const marker_writer& write);
  void marker_written(const std::string& id);
  /// Aborts what is overdue and fences its producer.
  void expire(time_ms now, const marker_writer& write);

  /// Nullptr: unknown.
  const transaction* find(const std::string& id) const;
  const std::map<std::string, transaction>& all() const { return transactions_; }
  /// As the broker does with an id that was idle for a week.
  void forget(const std::string& id) { transactions_.erase(id); }
  /// Makes an open transaction overdue, if there is one.
  void overdue(const std::string& id);

private:
  error_code check(const credentials& who) const;
  error_code join(const credentials& who, time_ms now);
  void prepare(const std::string& id, transaction& which, bool commit, const marker_writer& write);

  std::map<std::string, transaction> transactions_;
  producer_number producers_ = 1000;
};

} // namespace fairuse::simlog
