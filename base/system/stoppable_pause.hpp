// SPDX-License-Identifier: Apache-2.0
//
// A thread that waits for time to pass, and ends its wait when it is asked to stop.
// Threads: any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>

namespace fairuse {

/// False: it was asked to stop.
inline bool pause_for(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock{mutex};
  wake.wait_for(lock, stop, time, [] { return false; });
  return not stop.stop_requested();
}

} // namespace fairuse
