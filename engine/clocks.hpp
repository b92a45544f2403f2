// SPDX-License-Identifier: Apache-2.0
//
// Where the engine reads the wall clock that becomes `now`, and a steady one for durations.
// Threads: any.
#pragma once

#include <chrono>

#include "events/event.hpp"

namespace fairuse {

/// The wall clock, UTC: what `now` follows, under `--clock wall` and in Kafka mode.
inline time_ms wall_clock_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

/// The clock that never jumps: for intervals, and for how long a run took.
inline std::chrono::steady_clock::time_point steady_now() { return std::chrono::steady_clock::now(); }

inline std::int64_t steady_clock_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(steady_now().time_since_epoch()).count();
}

inline time_ms steady_clock_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(steady_now().time_since_epoch()).count();
}

inline double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(steady_now() - begin).count();
}

} // namespace fairuse
