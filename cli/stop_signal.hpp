// SPDX-License-Identifier: Apache-2.0
//
// SIGTERM and SIGINT as a flag that a loop checks. A second SIGINT ends the process at once.
// Threads: call block() before any other thread is made, so that every thread inherits the blocked signals; a signal
// that comes before a stop_signal is made waits for it. The rest from anywhere.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

namespace fairuse::cli {

class stop_signal {
public:
  static void block();

  /// `on_signal` runs on a thread of its own, once, when the first signal comes.
  explicit stop_signal(std::function<void()> on_signal);
  ~stop_signal();
  stop_signal(const stop_signal&) = delete;
  stop_signal& operator=(const stop_signal&) = delete;

  bool came() const { return came_ != 0; }
  bool was_interrupt() const;

private:
  void watch();

  std::function<void()> told_;
  std::atomic<int> came_{0};
  std::atomic<bool> done_{false};
  std::thread thread_;
};

} // namespace fairuse::cli
