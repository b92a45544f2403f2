// SPDX-License-Identifier: Apache-2.0
//
// The smallest program that needs the commit protocol: it copies records, exactly once. Tests of the simulated log run
// it under random faults: with all its guards nothing is lost or doubled, without one of them some run fails.
// Threads: one.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/simlog/simulated_cluster.hpp"

namespace fairuse::simlog {

struct copier_guards {
  /// A producer that saw trouble is replaced before its next transaction.
  bool recycles = true;
  /// After an abort it goes back to what was committed.
  bool goes_back = true;
  /// A jump in the offsets is read a second time before it is accepted.
  bool doubts_gaps = true;
};

/// One run of an instance. Reads "in", writes the same partition of "out": key = place, value = value.
class copier : private kafka::membership {
public:
  copier(kafka::cluster& on, std::string instance, copier_guards guards);

  /// A little work. Throws what the cluster throws.
  void work();
  /// Another process has its place in the group.
  bool is_over() const { return over_; }

private:
  void assigned(std::span<const topic_partition> parts) override;
  void revoked(bool lost) override;

  bool ready_to_write();
  bool ready_to_read();
  void go_back() { positioned_ = false; }
  void copy(const kafka::record_batch& batch);
  /// What of the batch comes next in its partitions; a jump makes it stop.
  std::vector<const kafka::record*> in_order(const kafka::record_batch& batch);
  kafka::call_result<> transact(const std::vector<const kafka::record*>& records);
  kafka::call_result<> insist(const std::function<kafka::call_result<>()>& call);

  kafka::cluster& cluster_;
  std::string instance_;
  copier_guards guards_;
  std::unique_ptr<kafka::transactional_producer> producer_;
  bool prepared_ = false;
  std::vector<topic_partition> mine_;
  bool positioned_ = false;
  bool over_ = false;
  std::map<topic_partition, std::int64_t> next_;
  /// Where a jump was seen: (expected, seen).
  std::map<topic_partition, std::pair<std::int64_t, std::int64_t>> doubted_;
  std::unique_ptr<kafka::group_consumer> member_;
};

} // namespace fairuse::simlog
