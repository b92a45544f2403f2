// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to streams/history. A user's most speech in windows of some lengths, by UTC hour: a window of a day touches
// 25 of them, wherever it begins and whatever buckets of up to an hour a policy has.
#pragma once

#include <cstdint>
#include <vector>

#include "events/event.hpp"
#include "storage/history/history_block.hpp"

namespace fairuse::history {

class peak_meter {
public:
  void begin_user();
  void add(time_ms now, const event& what);
  user_peaks peaks();

private:
  struct cell {
    std::int64_t number;
    std::int64_t ms;
  };
  using cells = std::vector<cell>;
  static void add_to(cells& all, std::int64_t number, std::int64_t ms);
  static void merge_equal(cells& all);
  /// Of any `count` cells in a row.
  static std::int64_t most(const cells& all, std::int64_t count);
  void add_spoken(time_ms from, time_ms until);

  /// Where the speech was, and where it came in.
  cells spoken_;
  cells arrived_;
  /// By UTC day.
  cells stt_;
};

} // namespace fairuse::history
