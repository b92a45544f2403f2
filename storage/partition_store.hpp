// SPDX-License-Identifier: Apache-2.0
//
// The state of one partition on Kafka: a RocksDB that follows behind the changelog and is never ahead of it.
//
// Three layers. The open epoch's rows (the overlay) become pending when the epoch's transaction is committed; a writer
// drains whole epochs of pending into RocksDB. Every read goes through all three: overlay over pending over RocksDB,
// and a deleted row hides what is below it. Invariants
//   1. Nothing is written to RocksDB before commit(), which follows the commit of its transaction.
//   2. A WriteBatch holds whole epochs and the meta row that belongs to them.
//   3. After the first error nothing more is written, and failure() says why. Nothing is repaired.
// Threads: one; draining runs where `options.background` runs it, and touches only rows that do not change any more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/epoch.hpp"
#include "storage/partition_meta.hpp"
#include "storage/store_error.hpp"

namespace fairuse {

struct partition_store_options {
  std::string case_key;
  std::int64_t usage_retention_ms = 8 * day_ms;
  std::int64_t decision_retention_ms = 400 * day_ms;
  /// 0: by the size of the disk.
  std::uint64_t write_buffer_bytes = 0;
  std::uint64_t reserve_bytes = 0;
  /// Runs a task once: on the writer's thread, or at once. Tasks do not throw.
  std::function<void(std::function<void()>)> background = [](const std::function<void()>& task) { task(); };
  /// Called before the store waits for its tasks.
  std::function<void()> hurry;
  /// Wall clock, for partition_meta::saved_at.
  std::function<time_ms()> clock = [] { return time_ms{0}; };
  /// Called where the writer is about to write, and when it has written.
  std::function<void(std::string_view)> failpoint;
};

/// A row of the changelog, or of a store. Nullopt: deleted.
struct state_row {
  std::string_view key;
  std::optional<std::string_view> value;
};

class partition_store final : public user_store {
public:
  /// Open or create. Errors: damaged is a reason to set the folder aside and restore; locked, to try again; newer, to
  /// leave the partition alone; the others, to stop and touch nothing.
  static result<std::unique_ptr<partition_store>, store_error> open(const std::filesystem::path& folder,
                                                                    const partition_store_options& options);
  ~partition_store() override;
  partition_store(const partition_store&) = delete;
  partition_store& operator=(const partition_store&) = delete;

  /// Move the contents of `folder` aside, for an operator; one earlier copy is dropped.
  static result<void, store_error> set_aside(const std::filesystem::path& folder);

  /// As of the last committed epoch, drained or not. Nullopt: the partition has never committed one here.
  const std::optional<partition_meta>& meta() const;
  /// Wrong_key: users were erased under another case key, and under this one they would come back. Asked when the store
  /// is at the end of its changelog, however it came there.
  result<void, store_error> check_case_key() const;

  // user_store, over all three layers.

  std::vector<std::unique_ptr<user>> load(std::span<const std::string_view> uids, const policy_set& policies,
                                          time_ms now) override;
  older_ids load_ids(std::string_view uid, hour_number hour) override;
  std::vector<std::pair<time_ms, std::string>> due_users() override;
  /// The newest of the user's own log, oldest first.
  std::vector<std::string> log_of(std::string_view uid, std::size_t most);
  /// Does any user have speech in an hour that is not before `first`?
  bool has_usage(hour_number first);

  // The open epoch.

  /// Encode what `who.changed` names, and clear it (not `track`).
  void add_user(std::string_view uid, user& who);
  /// A row of the user's own log. Behind add_user() of the user's erasure, if there is one. `index`: inside the epoch.
  void add_to_log(std::string_view uid, time_ms now, std::uint64_t epoch, std::uint32_t index, std::string_view row);
  /// Delete hours of usage that nothing can reach any more, and what of users' own logs is over its retention, of the
  /// next `rows_max` rows; the whole store is checked about once a day. Without it the changelog would keep them for
  /// ever.
  void expire(time_ms now, std::size_t rows_max);
  /// What goes to the changelog, in the order in which it was written first.
  void each_open_row(const std::function<void(const state_row&)>& visit) const;
  std::size_t open_rows() const;
  /// The transaction was aborted.
  void drop_open();
  /// The transaction is committed. `after`: the epoch's meta; its changelog_next is what the delivery reports said.
  void commit(partition_meta after);

  // Behind it.

  std::size_t pending_rows() const;
  std::size_t pending_bytes() const;
  /// Begin to write what is pending, unless the writer is at work.
  void write_behind();
  /// Everything that was committed is in RocksDB after this.
  result<void, store_error> drain();
  /// Forget what is pending, as a crash would; the changelog has it.
  void abandon();
  result<void, store_error> failure() const;

  // Restoring.

  /// Rows as the changelog has them, in its order; `next`: the offset after the last of them. Written with
  /// partition_meta::restoring set.
  result<void, store_error> restore(std::span<const state_row> rows, std::int64_t next);
  /// The end was reached. Without a meta row the store is empty.
  result<void, store_error> end_restore(std::int64_t next);

  /// All rows of RocksDB but those of the meta row's kind, by key. REQUIRES: drained.
  result<void, store_error> each_row(const std::function<void(const state_row&)>& visit) const;

private:
  struct body;
  explicit partition_store(std::unique_ptr<body> all);
  std::unique_ptr<body> body_;
};

/// The changelog key of partition_meta.
std::string_view partition_meta_key();

} // namespace fairuse
