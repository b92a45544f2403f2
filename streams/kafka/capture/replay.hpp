// SPDX-License-Identifier: Apache-2.0
//
// Makes a partition again from its journal and its inputs, with the classes that production runs. The caller provides
// the records and compares the result.
//
// Operation: restore() unless the journal begins with epoch 0; then per epoch run(), compare made(), confirm().
// Errors: wrong_key (of the case key), damaged (impossible records), io (the store).
// Threads: one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "actors/worker.hpp"
#include "streams/kafka/capture/capture_file.hpp"
#include "streams/kafka/worker/partition_shard.hpp"

namespace fairuse::kafka {

/// Keeps what a shard produces.
class recorder final : public transactional_producer {
public:
  /// The one that is not kept.
  explicit recorder(std::string without = {}) : without_(std::move(without)) {}

  call_result<> prepare(std::span<const std::string>) override { return {}; }
  call_result<> begin() override { return {}; }
  void produce(const std::string& topic, std::int32_t, std::optional<std::string_view> key,
               std::optional<std::string_view> value, std::span<const header> headers) override;
  call_result<> flush() override { return {}; }
  std::int64_t delivered_next(const topic_partition&) const override { return next_; }
  call_result<> send_offsets(std::span<const committed_offset>, group_consumer&) override { return {}; }
  call_result<> commit() override { return {}; }
  call_result<> abort() override { return {}; }
  bool had_errors() const override { return false; }

  /// Since clear(), in order.
  const std::vector<captured_record>& of(const std::string& topic) const;
  void clear();

private:
  std::string without_;
  std::map<std::string, std::vector<captured_record>> produced_;
  std::int64_t next_ = 0;
};

/// Records that were kept, as a reader gives them.
class replayed_batch final : public record_batch {
public:
  replayed_batch(std::string topic, std::int32_t partition, std::vector<captured_record> records);
  std::vector<header> headers(std::size_t i) const override;

private:
  std::string topic_;
  std::vector<captured_record> kept_;
};

/// What a replay needs and the journal does not hold.
struct replay_tools {
  /// Of the partition's store; made if it is not there.
  std::filesystem::path folder;
  std::string case_key;
  /// Canonical text of a policy, and back.
  std::function<std::string(const policy&)> text_of;
  std::function<std::optional<policy>(const std::string&)> parse;
  /// By the name in the journal; nullopt: the name is unknown.
  std::function<std::optional<partition_function>(const std::string& name)> partitioner;
  /// As the policies topic has it.
  std::function<std::optional<std::string>(const std::string& digest)> policy_text;
  /// Keep the rows of the changelog too.
  bool keep_rows = false;
};

/// The records of an input in [range.from, range.next).
using taken_inputs = result<std::vector<captured_record>, store_error>;
using take_inputs = std::function<taken_inputs(const std::string& topic, const input_range& range)>;

class partition_replay {
public:
  partition_replay(replay_tools with, const topic_names& outputs, std::int32_t partition);
  ~partition_replay();
  partition_replay(const partition_replay&) = delete;
  partition_replay& operator=(const partition_replay&) = delete;

  /// Begin with a state: rows as a changelog has them, the meta row last, of a run that `setup` began.
  result<void, store_error> restore(const partition_setup& setup,
                                    const std::function<bool(captured_record&)>& next_row);
  /// Make the epoch again. `setup` in the record begins a new run of the process on the same state.
  result<void, store_error> run(const epoch_record& told, const take_inputs& inputs);
  const recorder& made() const { return made_; }
  /// The epoch's row in the journal, as made now.
  epoch_record journal() const;
  result<void, store_error> confirm();

private:
  result<void, store_error> open_store(const partition_setup& setup);
  result<void, store_error> close_store();
  result<void, store_error> set_rules(const partition_setup& setup, const stored_controls& controls);
  std::optional<policy> read_policy(const std::string& digest) const;
  result<void, store_error> begin_run(const partition_setup& setup, const epoch_record& first);
  result<void, store_error> feed(const epoch_record& record, const take_inputs& inputs);

  replay_tools with_;
  topic_names outputs_;
  std::int32_t partition_;
  /// Outlives the shard.
  std::unique_ptr<engine_rules> rules_;
  std::unique_ptr<partition_store> store_;
  /// Of usage, and of users' own logs.
  std::pair<std::int64_t, std::int64_t> store_retention_ms_{0, 0};
  worker actors_;
  std::unique_ptr<partition_shard> shard_;
  recorder made_;
  /// Restored into the middle of this run.
  std::optional<partition_setup> restored_;
};

} // namespace fairuse::kafka
