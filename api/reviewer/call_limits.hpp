// SPDX-License-Identifier: Apache-2.0
//
// How many calls any 60 minutes may hold, and what they may cost: sums by minute, kept in a small file over restarts.
//
// A call is counted before it is made, with an estimate of its cost, and put right when its cost is known; so money can
// be passed by what the calls under way cost beyond their estimates, and requests never. What cannot be counted on the
// disk must not be called: every start would have the whole limit again.
// Threads: one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>

#include "base/pure/result.hpp"
#include "config/reviewer_settings.hpp"
#include "events/event.hpp"

namespace fairuse {

enum class limit_state : std::uint8_t { free, requests_used_up, money_used_up };

class call_limits {
public:
  /// `file` empty: nothing is kept. An error: the file is there and is none of ours, or cannot be read.
  static result<call_limits> open(const hourly_limit& rule, const std::filesystem::path& file, time_ms now);

  /// Whether a call of this estimate may be made. A call is always free to be the hour's first.
  limit_state check(std::int64_t estimate_micro, time_ms now);
  /// It will be made: its minute, for settle(). An error: it was not counted, and must not be made.
  result<std::int64_t> count(std::int64_t estimate_micro, time_ms now);
  /// It cost this much. REQUIRES: the minute and the estimate of count().
  void settle(std::int64_t minute, std::int64_t estimate_micro, std::int64_t cost_micro);
  /// When the oldest minute leaves the hour; `never`: nothing is counted.
  time_ms next_change() const;
  /// Why the last sums are not on the disk.
  const std::optional<error>& problem() const { return problem_; }

private:
  struct sums {
    std::int64_t requests = 0;
    std::int64_t money_micro = 0;
  };

  call_limits(const hourly_limit& rule, std::filesystem::path file) : rule_{rule}, file_{std::move(file)} {}
  result<void> load(time_ms now);
  void forget_before(time_ms now);
  void add(std::int64_t minute, const sums& more);
  void save();

  hourly_limit rule_;
  std::filesystem::path file_;
  std::map<std::int64_t, sums> minutes_;
  std::optional<error> problem_;
};

} // namespace fairuse
