// SPDX-License-Identifier: Apache-2.0
//
// The short queue between the reader's thread and the worker's: bounded, so that a slow worker slows reading down.
// Threads: one pushes, one pops, any closes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>

#include "streams/local/input_batch.hpp"

namespace fairuse {

class batch_queue {
public:
  explicit batch_queue(std::size_t batches_max) : batches_max_{batches_max} {}

  /// Wait until a batch fits. False: the queue was closed by the consumer; the batch is dropped.
  bool push(std::unique_ptr<input_batch> batch) {
    std::unique_lock lock{mutex_};
    room_.wait(lock, [&] { return closed_ or batches_.size() < batches_max_; });
    if (closed_) return false;
    batches_.push_back(std::move(batch));
    filled_.notify_one();
    return true;
  }

  /// No more will be pushed. `whole`: because the input has ended, and not because reading failed or was stopped.
  void finish(bool whole = true) {
    const std::lock_guard lock{mutex_};
    finished_ = true;
    whole_ = whole;
    filled_.notify_all();
  }

  /// The consumer has ended.
  void close() {
    const std::lock_guard lock{mutex_};
    closed_ = true;
    room_.notify_all();
    filled_.notify_all();
  }

  /// The next batch, or nullptr if there is none now.
  std::unique_ptr<input_batch> pop() {
    const std::lock_guard lock{mutex_};
    if (batches_.empty()) return nullptr;
    auto batch = std::move(batches_.front());
    batches_.pop_front();
    room_.notify_one();
    return batch;
  }

  /// Wait until there is a batch, none will come, wake() is called, or the time is over.
  void wait(std::chrono::milliseconds time_max) {
    std::unique_lock lock{mutex_};
    filled_.wait_for(lock, time_max, [&] { return closed_ or finished_ or woken_ or not batches_.empty(); });
    woken_ = false;
  }

  void wake() {
    const std::lock_guard lock{mutex_};
    woken_ = true;
    filled_.notify_all();
  }

  /// Everything was popped and nothing will come.
  bool at_end() const {
    const std::lock_guard lock{mutex_};
    return finished_ and batches_.empty();
  }

  /// at_end(), and it is the end of the input.
  bool at_whole_end() const {
    const std::lock_guard lock{mutex_};
    return finished_ and whole_ and batches_.empty();
  }

private:
  const std::size_t batches_max_;
  mutable std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable filled_;
  std::deque<std::unique_ptr<input_batch>> batches_;
  bool finished_ = false;
  bool whole_ = false;
  bool closed_ = false;
  bool woken_ = false;
};

} // namespace fairuse
