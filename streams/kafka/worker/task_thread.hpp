// SPDX-License-Identifier: Apache-2.0
//
// The thread on which a worker's stores write: tasks in the order in which they came. Threads: give() from any.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace fairuse::kafka {

class task_thread {
public:
  task_thread() : thread_([this] { run(); }) {}
  /// Runs the remaining tasks first.
  ~task_thread() {
    {
      const std::lock_guard guard(mutex_);
      over_ = true;
    }
    given_.notify_all();
    thread_.join();
  }
  task_thread(const task_thread&) = delete;
  task_thread& operator=(const task_thread&) = delete;

  void give(std::function<void()> task) {
    {
      const std::lock_guard guard(mutex_);
      tasks_.push_back(std::move(task));
    }
    given_.notify_one();
  }

private:
  void run() {
    std::unique_lock guard(mutex_);
    while (true) {
      given_.wait(guard, [this] { return over_ or not tasks_.empty(); });
      if (tasks_.empty()) return;
      auto task = std::move(tasks_.front());
      tasks_.pop_front();
      guard.unlock();
      task();
      guard.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable given_;
  std::deque<std::function<void()>> tasks_;
  bool over_ = false;
  std::thread thread_;
};

} // namespace fairuse::kafka
