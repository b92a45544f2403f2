// SPDX-License-Identifier: Apache-2.0
//
// Takes records of one topic as a member of a group, in any order of finishing, and commits what follows from them: the
// outputs of a record and the offset behind it go into one transaction, in the order of the partition's offsets. So
// whatever happens to the process, a record has its outputs once. Outputs that are of use before the older records are
// finished can be written ahead; these may be written again after a restart.
//
// Threads: one for all calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/pure/log_level.hpp"
#include "base/pure/result.hpp"
#include "streams/kafka/broker/cluster.hpp"

namespace fairuse {

struct intake_options {
  std::string group;
  /// transactional.id and group.instance.id: stable over restarts.
  std::string instance;
  std::string topic;
  /// What will be written to; each has as many partitions as `topic`.
  std::vector<std::string> outputs;
  /// Records that are taken and not committed yet; beyond, none is taken.
  std::size_t open_max = 2'048;
  std::function<void(log_level, const std::string&)> log = [](log_level, const std::string&) {};
};

/// A record to write to the partition of the one that it follows from.
struct intake_output {
  std::string topic;
  std::string key;
  std::string value;
  std::vector<std::pair<std::string, std::string>> headers;
};

class kafka_intake final : private kafka::membership {
public:
  /// Told from poll() and commit().
  struct owner {
    /// A new record. False: nothing follows from it, it is finished. The views are valid during the call.
    std::function<bool(std::uint64_t handle, const kafka::record& what, const std::vector<kafka::header>& headers)>
        take;
    /// From now on the records of exactly these partitions come; what was taken of others is forgotten.
    std::function<void(const std::vector<std::int32_t>& partitions)> assigned = [](const auto&) {};
    /// What is committed with the offset of a partition (ASCII); records before this handle are finished.
    std::function<std::string(std::int32_t partition, std::uint64_t first_open)> metadata =
        [](std::int32_t, std::uint64_t) { return std::string{}; };
  };

  /// Joins the group. An error: a topic is missing, or they differ in their partitions. REQUIRES: `brokers` outlives
  /// it.
  static result<std::unique_ptr<kafka_intake>> make(intake_options options, kafka::cluster& brokers, owner told);
  /// Leaves the group; what is finished and not committed is handed out again to the next member.
  ~kafka_intake() override;

  /// Serve the group and take what has come; waits for at most `wait`. An error ends the process: another one has this
  /// instance, a topic is missing.
  result<void> poll(kafka::milliseconds wait);
  /// The record is finished. Unknown handles are those of partitions that were taken away.
  void finish(std::uint64_t handle, std::vector<intake_output> outputs);
  /// Written with the next commit, whatever older records do.
  void write_ahead(std::uint64_t handle, std::vector<intake_output> outputs);
  /// Commit what is finished. Tries again later by itself if a broker does not answer.
  result<void> commit();

  /// The group's offsets are known, so records come from the right places.
  bool is_ready() const { return not starts_; }
  /// What was committed with the offset of a partition before this member had it; empty: nothing.
  std::string committed_metadata(std::int32_t partition) const;
  /// Commits that failed in a row; the caller waits a little longer before the next one.
  std::size_t failures() const { return failures_; }
  /// Taken and not committed.
  std::size_t open() const;
  /// The group has given partitions, and every record that was there is committed.
  bool at_end();

private:
  struct entry {
    std::int64_t offset = 0;
    std::uint64_t handle = 0;
    bool finished = false;
    std::vector<intake_output> outputs;
  };
  struct partition_state {
    std::deque<entry> entries;
    /// The next record to take, and the offset that is committed.
    std::int64_t next = -1;
    std::int64_t committed = -1;
    std::string metadata;
    /// Entries at the front that the open transaction covers.
    std::size_t covered = 0;
  };
  struct ahead {
    std::int32_t partition = 0;
    std::vector<intake_output> outputs;
  };

  kafka_intake(intake_options options, kafka::cluster& brokers, owner told);
  void assigned(std::span<const kafka::topic_partition> partitions) override;
  void revoked(bool lost) override;
  void forget();

  result<void> serve(const kafka::call_result<>& failure);
  result<void> start();
  result<bool> open_producer();
  result<bool> prepare();
  kafka::call_result<> start_fetching();
  kafka::call_result<std::vector<kafka::committed_offset>> committed_offsets();
  std::vector<kafka::position> next_places() const;
  void pause_or_resume();
  void take(const kafka::record_batch& batch);
  bool has_something() const;
  kafka::call_result<> transaction();
  void produce(std::int32_t partition, const intake_output& what);
  void recover(const kafka::call_error& from);
  void settle();
  void drop_committed();

  intake_options options_;
  kafka::cluster& brokers_;
  owner told_;
  std::unique_ptr<kafka::group_consumer> group_;
  std::unique_ptr<kafka::transactional_producer> producer_;
  std::map<std::int32_t, partition_state> partitions_;
  std::map<std::uint64_t, std::pair<std::int32_t, std::int64_t>> places_;
  std::deque<ahead> ahead_;
  std::size_t ahead_covered_ = 0;
  std::uint64_t last_handle_ = 0;
  bool starts_ = false;
  bool paused_ = false;
  /// A transaction ended unknown: ask the group before the next one.
  bool unsure_ = false;
  std::size_t failures_ = 0;
  result<void> fatal_;
};

} // namespace fairuse
