// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to api/service. A thread for what takes long in a request: to inflate and to read a thousand events. The
// threads of the server go on answering gateways meanwhile. Bounded: what waits is counted in bytes.
// Threads: give() from any.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace fairuse {

class event_thread {
public:
  explicit event_thread(std::size_t bytes_max = std::size_t{16} << 20);
  /// What waits is destroyed without being run.
  ~event_thread();
  event_thread(const event_thread&) = delete;
  event_thread& operator=(const event_thread&) = delete;

  /// False: too much waits, and `task` is not run. REQUIRES: it throws nothing.
  bool give(std::size_t bytes, std::function<void()> task);

private:
  struct waiting_task {
    std::size_t bytes = 0;
    std::function<void()> run;
  };

  void run_all();

  const std::size_t bytes_max_;
  std::mutex mutex_;
  std::condition_variable given_;
  std::deque<waiting_task> tasks_;
  std::size_t bytes_ = 0;
  bool over_ = false;
  std::thread thread_;
};

} // namespace fairuse
