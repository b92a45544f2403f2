// SPDX-License-Identifier: Apache-2.0

#include "api/service/event_thread.hpp"

#include <utility>

namespace fairuse {

event_thread::event_thread(std::size_t bytes_max) : bytes_max_{bytes_max}, thread_{[this] { run_all(); }} {}

event_thread::~event_thread() {
  {
    const std::lock_guard guard{mutex_};
    over_ = true;
  }
  given_.notify_all();
  thread_.join();
}

bool event_thread::give(std::size_t bytes, std::function<void()> task) {
  {
    const std::lock_guard guard{mutex_};
    if (over_ or bytes_ + bytes > bytes_max_) return false;
    bytes_ += bytes;
    tasks_.push_back({bytes, std::move(task)});
  }
  given_.notify_one();
  return true;
}

void event_thread::run_all() {
  std::unique_lock guard{mutex_};
  for (;;) {
    given_.wait(guard, [this] { return over_ or not tasks_.empty(); });
    if (over_) return;
    const auto next = std::move(tasks_.front());
    tasks_.pop_front();
    bytes_ -= next.bytes;
    guard.unlock();
    next.run();
    guard.lock();
  }
}

} // namespace fairuse
