// SPDX-License-Identifier: Apache-2.0
//
// S3 to S8 of the commit protocol for one partition: from its assignment until this worker may decide on it, or to a
// refusal that says what an operator can do. Works in pieces, because the group must be polled meanwhile.
//
// When it is ready, the group's offsets, the changelog up to its end (including transactions that were open) and the
// store are of the same epoch.
// Threads: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/pure/result.hpp"
#include "storage/partition_store.hpp"
#include "streams/kafka/broker/cluster.hpp"
#include "streams/kafka/worker/engine_rules.hpp"
#include "streams/kafka/worker/partition_shard.hpp"

namespace fairuse::kafka {

enum class takeover_state : std::uint8_t {
  working,
  ready,
  refused, ///< this partition only; the process goes on
  failed,  ///< the process must not go on: another one has the store, the disk is full or broken
};

/// Why a changelog that was written for `written` partitions is of no use to topics that have `there`.
std::string users_are_elsewhere(std::uint32_t written, std::int32_t there);

class takeover {
public:
  /// `store`: still open from the last time that this process had the partition, if there was one.
  takeover(const engine_rules& rules, cluster& brokers, group_consumer& group, std::int32_t partition,
           std::int32_t partition_count, std::string cluster_id, std::unique_ptr<partition_store> store);

  /// Do one piece of work; waits no longer than a few ms for a broker.
  takeover_state work();
  std::int32_t partition() const { return partition_; }
  takeover_state state() const { return state_; }
  /// Why it is refused or failed, and what to do; while working: what it waits for.
  const std::string& reason() const { return reason_; }
  /// Changelog records read, and how many there are.
  std::int64_t restored() const { return restored_; }
  std::int64_t to_restore() const { return end_ - begin_; }

  /// REQUIRES: ready.
  std::unique_ptr<partition_store> take_store() { return std::move(store_); }
  const takeover_result& found() const { return found_; }
  /// Text of a policy by digest from the policies topic; reads it when asked first.
  std::optional<std::string> policy_text(const std::string& digest);
  /// False if the topic could not be read to its end.
  bool policies_read() const { return policies_.has_value(); }

  static std::filesystem::path folder_of(const engine_rules& rules, std::int32_t partition);

private:
  /// S3 to S8 of docs/protocol.md.
  enum class protocol_step : std::uint8_t { open_store, read_offsets, read_end, check_store, read_changelog, compare };

  takeover_state open_store();
  takeover_state read_offsets();
  takeover_state read_end();
  takeover_state check_store();
  /// How far the changelog has been read.
  result<std::int64_t, store_error> restore_some();
  takeover_state read_changelog();
  takeover_state compare();
  takeover_state begin_anew();
  takeover_state again(std::string why);
  takeover_state refuse(std::string why);
  takeover_state refuse_twice(const std::string& why);
  takeover_state fail(std::string why);
  takeover_state set_aside(const std::string& why);
  takeover_state check_deployment(const partition_meta& meta);
  takeover_state agree_on_topics(const partition_meta& meta);
  void read_policies();
  /// By the configured start.
  result<std::int64_t> first_offset(const std::string& topic);
  partition_store_options store_options() const;
  topic_partition changelog() const { return {rules_.outputs.changelog, partition_}; }

  const engine_rules& rules_;
  cluster& brokers_;
  group_consumer& group_;
  std::int32_t partition_;
  std::int32_t partition_count_;
  std::string cluster_id_;
  std::filesystem::path folder_;
  std::unique_ptr<partition_store> store_;

  takeover_state state_ = takeover_state::working;
  protocol_step next_step_ = protocol_step::open_store;
  std::string reason_;
  std::vector<committed_offset> group_offsets_;
  log_range log_;
  std::int64_t begin_ = 0;
  std::int64_t end_ = 0;
  std::int64_t restored_ = 0;
  std::unique_ptr<reader> reader_;
  time_ms waiting_since_ = INT64_MIN;
  /// What did not agree the last time.
  std::string compared_;
  time_ms not_before_ = INT64_MIN;
  takeover_result found_;
  std::optional<std::map<std::string, std::string>> policies_;
};

} // namespace fairuse::kafka
