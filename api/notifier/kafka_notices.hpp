// SPDX-License-Identifier: Apache-2.0
//
// Notices of Kafka mode: a member of a group that reads the notifications' topic. How each ended is written to a topic
// of its own (the log), in the transaction that commits the offset behind it; what has ended while an older notice is
// still tried is written ahead, so that it is not sent again after a restart. Stages and switches are those of the
// enforcement topic.
//
// With an offset is committed since when the first notice that has not ended was known: the log is read from there.
// Threads: one.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "api/enforcement_view.hpp"
#include "api/kafka_intake.hpp"
#include "api/notifier/end_record.hpp"
#include "api/notifier/notice_source.hpp"
#include "base/pure/log_level.hpp"

namespace fairuse {

struct kafka_notices_options {
  /// Consumer group of the notifiers of a deployment.
  std::string group;
  /// Of this one; stable over restarts.
  std::string instance;
  std::string notifications;
  std::string enforcement;
  /// The topic of ends.
  std::string ends;
  /// The others are passed over.
  std::vector<notice_about> send;
  std::function<void(log_level, const std::string&)> log = [](log_level, const std::string&) {};
};

class kafka_notices final : public notice_source {
public:
  /// REQUIRES: `brokers` outlives it.
  static result<std::unique_ptr<kafka_notices>> open(kafka_notices_options options, kafka::cluster& brokers);

  result<std::vector<notice>> poll(std::size_t most, time_ms now) override;
  result<bool> is_held(time_ms now) override;
  result<told_user> user_of(const notice& what, time_ms now) override;
  result<void> failing(const notice& what) override;
  result<void> finished(const notice& what, const delivery& end) override;
  result<void> save(time_ms now) override;

private:
  struct taken {
    std::uint64_t handle = 0;
    std::int32_t partition = 0;
    std::uint64_t epoch = 0;
    time_ms known_since = 0;
  };

  kafka_notices(kafka_notices_options options, kafka::cluster& brokers);
  void assigned(const std::vector<std::int32_t>& partitions);
  bool take(std::uint64_t handle, const kafka::record& what, const std::vector<kafka::header>& headers);
  result<bool> catch_up(time_ms now);
  result<bool> read_ends(time_ms now);
  time_ms known_since(std::int32_t partition) const;
  std::string metadata(std::int32_t partition, std::uint64_t first_open) const;
  intake_output log_record(const notice& what, std::string value) const;

  kafka_notices_options options_;
  kafka::cluster& brokers_;
  enforcement_view view_;
  std::unique_ptr<kafka_intake> intake_;
  /// Partitions whose log is still to be read.
  std::vector<std::int32_t> unread_;
  known_ends known_;
  /// Read and not given yet.
  std::deque<notice> fresh_;
  /// By id, from the reading on until the end.
  std::map<std::string, taken> open_;
  /// Given to the deliverer; also those of partitions that were taken away meanwhile.
  std::set<std::string> given_;
  /// The switches are known since a turn before this one.
  bool looked_ = false;
  time_ms now_ = 0;
  time_ms committed_at_ = 0;
};

} // namespace fairuse
