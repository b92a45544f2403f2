// SPDX-License-Identifier: Apache-2.0
//
// A line with progress, rate and estimated end: on a terminal only.
// Threads: one.
#pragma once

#include <chrono>
#include <cstdint>

namespace fairuse::cli {

class progress {
public:
  /// `total`: 0 if it is not known.
  progress(std::uint64_t total, const char* unit);
  ~progress() { clear(); }
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  /// `done` of `total`, and how many `units`. Cheap: draws at most five times a second.
  void at(std::uint64_t done, std::uint64_t units) {
    if (shown_ and (++calls_ & 255U) == 0) draw(done, units);
  }
  /// The same for callers that call a few times a second only: no call is skipped.
  void show(std::uint64_t done, std::uint64_t units) {
    if (shown_) draw(done, units);
  }
  /// Remove the line, so that a log line can take its place.
  void clear();

private:
  void draw(std::uint64_t done, std::uint64_t units);

  using clock = std::chrono::steady_clock;
  std::uint64_t total_;
  const char* unit_;
  bool shown_;
  bool drawn_ = false;
  std::uint32_t calls_ = 0;
  std::uint64_t first_done_ = UINT64_MAX;
  clock::time_point begin_ = clock::now();
  clock::time_point drawn_at_{};
};

} // namespace fairuse::cli
