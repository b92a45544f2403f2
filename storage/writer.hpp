// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to storage. The thread that makes commits durable: packs, checks the free space, writes with `sync=true`,
// publishes. One commit at a time; the thread that hands one over may go on gathering the next.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <rocksdb/write_batch.h>

#include "storage/checkpoint_keeper.hpp"
#include "storage/commit_rows.hpp"
#include "storage/journal.hpp"
#include "storage/log_pages.hpp"
#include "storage/published.hpp"
#include "storage/rocks.hpp"
#include "storage/user_rows.hpp"

namespace fairuse {

/// Everything that one WriteBatch will hold.
struct commit_batch {
  commit_log log;
  commit_rows rows;
  std::vector<std::pair<std::string, std::string>> policies;
  std::vector<erasure_row> erasures;
  /// Empty: nobody waits for it.
  std::function<void()> published;

  std::size_t bytes() const { return log.bytes() + rows.bytes(); }
  void clear();
};

class commit_writer {
public:
  commit_writer(rocks& db, published_file published, log_bounds& bounds, const store_options& options, commit_head head,
                std::string key_check);
  /// Waits for what is under way.
  ~commit_writer();
  commit_writer(const commit_writer&) = delete;
  commit_writer& operator=(const commit_writer&) = delete;

  /// REQUIRES: nothing is under way.
  void start(std::unique_ptr<commit_batch> what);
  /// Nullptr: nothing is under way. Its rows may be read while it is.
  const commit_batch* running() const { return running_.get(); }
  /// Wait; gives the batch back, cleared, for reuse (nullptr: nothing was under way).
  std::pair<result<void, store_error>, std::unique_ptr<commit_batch>> finish();
  checkpoint_keeper& checkpoints() { return checkpoints_; }

private:
  void run();
  result<void, store_error> write(const commit_batch& what);
  void put_log(const commit_log& log, const commit_head& head);
  void put_rows(const commit_batch& what);
  void fail_here(std::string_view name) const;
  void forget_erased(bool now);

  rocks* db_;
  published_file published_;
  log_bounds* bounds_;
  const store_options* options_;
  commit_head head_;
  std::string key_check_;
  checkpoint_keeper checkpoints_;
  std::uint64_t last_controls_ = 0;
  input_packer packer_;
  rocksdb::WriteBatch batch_;
  std::vector<std::string> erased_;
  std::uint64_t commits_since_forget_ = 0;

  std::unique_ptr<commit_batch> running_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool busy_ = false;
  bool stop_ = false;
  result<void, store_error> result_;
  std::thread thread_;
};

} // namespace fairuse
