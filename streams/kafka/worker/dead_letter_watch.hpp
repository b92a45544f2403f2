// SPDX-License-Identifier: Apache-2.0
//
// Distinguishes a stream with a few bad records from a broken one, by the share of dead letters over a window.
// Threads: one.
#pragma once

#include <cstdint>

#include "streams/kafka/worker/engine_rules.hpp"

namespace fairuse::kafka {

class dead_letter_watch {
public:
  enum class level : std::uint8_t { fine, alarm, stop };

  explicit dead_letter_watch(const dead_letter_share& rule) : rule_(rule) {}

  /// Totals so far, at a clock that never jumps. Compares when the window is over, then begins the next.
  level check(std::uint64_t records, std::uint64_t dead_letters, time_ms steady) {
    if (began_ == INT64_MIN) begin(records, dead_letters, steady);
    const auto seen = records - records_;
    if (seen < rule_.records_min or steady - began_ < rule_.window_ms) return level::fine;
    share_nano_ =
        static_cast<std::int64_t>(static_cast<double>(dead_letters - dead_letters_) * 1e9 / static_cast<double>(seen));
    begin(records, dead_letters, steady);
    if (rule_.stop_nano > 0 and share_nano_ > rule_.stop_nano) return level::stop;
    return share_nano_ > rule_.alarm_nano ? level::alarm : level::fine;
  }

  /// Of the last whole window.
  double percent() const { return static_cast<double>(share_nano_) / 1e7; }

private:
  void begin(std::uint64_t records, std::uint64_t dead_letters, time_ms steady) {
    records_ = records;
    dead_letters_ = dead_letters;
    began_ = steady;
  }

  dead_letter_share rule_;
  std::uint64_t records_ = 0;
  std::uint64_t dead_letters_ = 0;
  time_ms began_ = INT64_MIN;
  std::int64_t share_nano_ = 0;
};

} // namespace fairuse::kafka
