// SPDX-License-Identifier: Apache-2.0
//
// How many records an epoch takes: as many as can be decided in its time, so that with many new users, or on a busy
// machine, it does not exceed the transaction's time-out again and again. Threads: one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace fairuse::kafka {

class epoch_size {
public:
  /// Before it is known how fast records go, and what is always taken.
  static constexpr std::size_t first = 50'000;
  static constexpr std::size_t least = 1'000;

  /// Never more than `most`; epochs should take `longest_ms`.
  epoch_size(std::size_t most, std::int64_t longest_ms)
    : most_(most), longest_ms_(longest_ms), records_(std::min(first, most)) {}

  std::size_t records() const { return records_; }

  /// An epoch of so many records was committed after so long.
  void took(std::size_t records, std::int64_t ms) {
    const auto fitting =
        records * static_cast<std::size_t>(longest_ms_) / static_cast<std::size_t>(std::max<std::int64_t>(ms, 1));
    if (ms > longest_ms_)
      set(fitting);
    else if (records >= records_)
      set(std::min(fitting, 2 * records_));
  }
  /// An epoch was not committed; perhaps it was too long.
  void failed() { set(records_ / 4); }

private:
  void set(std::size_t records) { records_ = std::clamp(records, std::min(least, most_), most_); }

  std::size_t most_;
  std::int64_t longest_ms_;
  std::size_t records_;
};

} // namespace fairuse::kafka
