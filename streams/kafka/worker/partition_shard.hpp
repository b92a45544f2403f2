// SPDX-License-Identifier: Apache-2.0
//
// One partition that this worker owns and may decide on: its records of the next epoch, its actors, its store. Carries
// out E1 to E5 of the commit protocol (docs/protocol.md) for its part of the worker's transaction, then E9 or the
// roll-back.
//
// Operation: accept() until an epoch is due; seal(), run() and write() inside an open transaction; then confirm() or
// roll_back(). Several epochs of timers alone may come before the one with the records. Threads: the worker's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "actors/worker.hpp"
#include "base/pure/result.hpp"
#include "core/counters.hpp"
#include "events/refusal.hpp"
#include "storage/partition_meta.hpp"
#include "storage/partition_store.hpp"
#include "streams/event_counts.hpp"
#include "streams/kafka/outputs/outputs.hpp"
#include "streams/kafka/worker/epoch_buffer.hpp"
#include "streams/policy_choice.hpp"

namespace fairuse::kafka {

/// Totals since the start of the process, for people and metrics.
struct shard_totals {
  std::uint64_t epochs = 0;
  std::uint64_t records = 0;
  std::uint64_t decisions = 0;
  std::uint64_t outputs = 0;
  std::uint64_t rows = 0;
  refusal_counts dead_letters{};
  std::uint64_t real_gaps = 0;
  std::uint64_t refetches = 0;
  counters counts;
  event_counts by_kind;
  decision_counts by_slot;

  shard_totals& operator+=(const shard_totals& other);
};

/// What a takeover found: where the inputs go on, in the order of engine_rules::inputs.
struct takeover_result {
  /// The partition is new: its first epoch, number 0, sets where the inputs begin.
  bool is_new = false;
  std::string cluster;
  std::vector<input_next> inputs;
};

class partition_shard {
public:
  /// The result of accept().
  enum class accept_result : std::uint8_t {
    taken,
    old, ///< seen before: dropped
    gap, ///< records are missing before it: fetch again from offsets(); if it comes again, they are not there
  };

  /// Policy by digest, of those that were promoted; nullopt: it cannot be read.
  using policy_reader = std::function<std::optional<policy>(const std::string& digest)>;

  /// REQUIRES: the store is restored and agrees with the group (S8), or there is nothing to agree with. An error: this
  /// partition must not decide, and `store` stays with the caller.
  static result<std::unique_ptr<partition_shard>> open(const engine_rules& rules, std::int32_t partition,
                                                       std::int32_t partition_count,
                                                       std::unique_ptr<partition_store>& store,
                                                       const takeover_result& from, worker& on,
                                                       const policy_reader& read_policy);
  ~partition_shard();

  std::int32_t partition() const { return partition_; }

  accept_result accept(const std::shared_ptr<const record_batch>& batch, std::size_t index);
  /// Most of the first records belong to other partitions.
  bool has_foreign_keys() const { return buffer_.has_foreign_keys(); }
  std::size_t records() const { return buffer_.records(); }
  std::size_t bytes() const { return buffer_.bytes(); }

  /// Does anything wait for an epoch at `now`?
  bool has_work(time_ms now) const;
  time_ms next_due() const { return actors_->next_due(); }
  std::size_t due_users(time_ms now, std::size_t most) const { return actors_->due_users(now, most); }
  /// The last committed epoch was at, and its number.
  time_ms last_now() const { return meta_.now; }
  std::uint64_t last_epoch() const { return meta_.epoch; }
  bool has_committed() const { return has_committed_; }
  /// What was committed last was under another case key.
  bool case_key_changed() const { return has_committed_ and meta_.key_check != first_meta_.key_check; }
  const controls& in_force() const { return actors_->in_force(); }

  /// E1. `timers_max` below all: an epoch of timers alone, without the records that wait. Valid until confirm().
  epoch seal(time_ms now, std::size_t timers_max);
  /// E2 to E4.
  epoch_result run(const epoch& sealed) { return actors_->run(sealed); }
  /// E5. Not ok: the store failed, nothing may be committed.
  result<void, store_error> write(const epoch& sealed, const epoch_result& decided, transactional_producer& to);
  /// Offsets for E7: behind the epoch that was written and not confirmed, if there is one, else as they are committed.
  std::vector<committed_offset> offsets() const;
  /// E9, of the store alone.
  void keep_rows(const transactional_producer& by);
  /// E9.
  void confirm(const transactional_producer& by);
  /// Drop the epoch that was written, and the records that wait; they have to be fetched again.
  void roll_back();
  /// Drop the records that wait.
  void forget_records();
  /// Where fetching goes on.
  std::vector<position> read_from() const;

  partition_store& store() { return *store_; }
  std::unique_ptr<partition_store> give_up_store();
  const shard_totals& totals() const { return totals_; }
  std::size_t active_users() const { return actors_->active_users(); }
  void passivate() { actors_->passivate(); }

private:
  struct input_state {
    std::int64_t next = 0;
    std::uint32_t count = 0;
    /// The record behind a gap, when it was seen first.
    std::int64_t suspected = -1;
  };

  /// What is kept of an epoch until its commit is known.
  struct written_epoch {
    bool with_records = true;
    /// As it will be when the epoch is committed.
    partition_meta meta;
    shard_totals totals;
    std::vector<refused_input> refused;
    /// Their trace ids, in the same order.
    std::vector<std::string> traces;
  };
  struct writing;

  partition_shard(const engine_rules& rules, std::int32_t partition, std::int32_t partition_count,
                  std::unique_ptr<partition_store> store);
  result<void> begin(const takeover_result& from, worker& on, const policy_reader& read_policy);
  result<policy_choice> choose(const policy_reader& read_policy);
  void produce(writing& of, const std::string& topic, std::optional<std::string_view> key,
               std::optional<std::string_view> value, std::span<const header> headers = {});
  void advance_inputs(writing& of);
  void write_outputs(writing& of);
  void write_policies(writing& of);
  void write_config_commands(writing& of);
  void write_rows(writing& of);
  void write_journal(writing& of);

  const engine_rules& rules_;
  std::int32_t partition_;
  std::int32_t partition_count_;
  std::unique_ptr<partition_store> store_;
  output_writer writer_;
  epoch_buffer buffer_;

  /// As committed.
  partition_meta meta_;
  /// What the first epoch after the takeover begins with.
  partition_meta first_meta_;
  bool has_committed_ = false;
  bool first_epoch_ = true;
  /// The takeover changed what is remembered of the configuration: that waits for no traffic, or it would be forgotten.
  bool has_news_ = false;
  /// Written and neither confirmed nor rolled back.
  std::optional<written_epoch> written_;

  std::vector<input_state> inputs_;
  std::vector<input_range> skipped_;

  /// For the first epoch after the takeover.
  std::optional<partition_setup> setup_;
  configured_rules::config_commands config_commands_;
  std::vector<std::pair<std::string, std::string>> new_policies_;

  /// Of the epoch being written: rows of users' own logs.
  std::vector<std::pair<std::string, std::string>> log_rows_;

  piece_digest outputs_digest_{piece_digest::kind::sha256};
  piece_digest rows_digest_{piece_digest::kind::xxh3_128};
  shard_totals totals_;
  std::unique_ptr<shard> actors_;
};

/// `v1;e=<epoch>`, as committed offsets carry it, and back.
std::string offset_metadata(std::uint64_t epoch);
std::optional<std::uint64_t> epoch_of_metadata(std::string_view text);

} // namespace fairuse::kafka
