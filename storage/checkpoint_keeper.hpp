// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to storage. Takes a checkpoint of a local store in every week of its `now` (UTC, from Monday on), and
// removes those that no kept input follows any more.
//
// A week's checkpoint is the state before the first commit of that week; if that one failed or the engine was killed
// before it was whole, before a later commit. It is written from a snapshot on a thread of its own, while commits go
// on. One that cannot be written is no failure of the store: before the next commit it is tried again. Threads: of one
// writer; wait() and take_failure() from any.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "storage/checkpoint.hpp"
#include "storage/journal.hpp"
#include "storage/rocks.hpp"

namespace fairuse {

std::filesystem::path checkpoint_folder(const std::filesystem::path& store);
std::filesystem::path checkpoint_file(const std::filesystem::path& store, std::uint64_t commit);
/// Of a checkpoint's rows: how many there are.
inline constexpr std::string_view checkpoint_count_key = "z";
/// nullopt: it cannot be read.
std::optional<decoded_meta> read_checkpoint_meta(const checkpoint_place& of);

class checkpoint_keeper {
public:
  /// Removes what a crash has left. `head`: the newest commit.
  checkpoint_keeper(rocks& db, const store_options& options, const commit_head& head);
  /// One that is under way ends unfinished.
  ~checkpoint_keeper();
  checkpoint_keeper(const checkpoint_keeper&) = delete;
  checkpoint_keeper& operator=(const checkpoint_keeper&) = delete;

  /// A commit at `now` is about to be written; `last` is the newest.
  void before_commit(const commit_head& last, time_ms now);
  /// It was, and is the newest now.
  void after_commit(const commit_head& head, time_ms now);
  /// Until no checkpoint is under way.
  void wait();
  /// Why the last one could not be written, once for several in a row; nullopt: nothing new.
  std::optional<std::string> take_failure();

private:
  static constexpr std::int64_t next_commit = INT64_MAX;
  std::int64_t find_covered(const commit_head& head) const;
  bool begin(std::int64_t week);
  void run(std::uint64_t commit, std::int64_t week, const rocksdb::Snapshot* from);
  void end(std::int64_t week, const result<void>& done);

  rocks* db_;
  const store_options* options_;
  /// Of the day on which expired ones were last looked for.
  std::int64_t looked_on_ = INT64_MIN;
  std::atomic<bool> abandoned_ = false;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable ended_;
  // Under the mutex.
  /// The last week that has one, or needs none: that of the first commit. `next_commit`: the next commit's, whichever
  /// that is.
  std::int64_t covered_ = INT64_MIN;
  bool busy_ = false;
  bool failed_ = false;
  std::optional<std::string> untold_;
};

} // namespace fairuse
