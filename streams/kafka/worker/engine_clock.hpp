// SPDX-License-Identifier: Apache-2.0
//
// `now` of Kafka mode: it advances with a clock that never jumps, from where the wall clock stood at the start. A wall
// clock that differs for a minute is followed if it is ahead, and only reported if it is behind: `now` never goes back.
// Threads: one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "events/event.hpp"

namespace fairuse::kafka {

class engine_clock {
public:
  static constexpr std::int64_t disagrees_ms = 5 * second_ms;
  static constexpr std::int64_t patience_ms = minute_ms;

  engine_clock(std::function<time_ms()> wall, std::function<time_ms()> steady)
    : wall_(std::move(wall)), steady_(std::move(steady)), anchor_wall_(wall_()), anchor_steady_(steady_()) {}

  time_ms now() {
    const auto steady = steady_();
    const auto wall = wall_();
    auto guess = anchor_wall_ + (steady - anchor_steady_);
    if (std::abs(wall - guess) <= disagrees_ms) {
      disagrees_since_.reset();
    } else if (not disagrees_since_) {
      disagrees_since_ = steady;
    } else if (steady - *disagrees_since_ >= patience_ms) {
      jump_ = wall - guess;
      disagrees_since_ = steady;
      if (wall > guess) {
        anchor_wall_ = wall;
        anchor_steady_ = steady;
        guess = wall;
      }
    }
    last_ = std::max(last_, guess);
    return last_;
  }

  /// How far the wall clock was off when it last differed for a minute; returned once.
  std::optional<std::int64_t> take_jump() { return std::exchange(jump_, std::nullopt); }

private:
  std::function<time_ms()> wall_;
  std::function<time_ms()> steady_;
  time_ms anchor_wall_;
  time_ms anchor_steady_;
  time_ms last_ = INT64_MIN;
  std::optional<time_ms> disagrees_since_;
  std::optional<std::int64_t> jump_;
};

} // namespace fairuse::kafka
