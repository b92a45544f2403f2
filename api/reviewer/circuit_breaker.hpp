// SPDX-License-Identifier: Apache-2.0
//
// Stops the calls to an endpoint that fails: after so many failures in a row none is made for a pause, then one at a
// time until one succeeds. Threads: one.
#pragma once

#include "config/reviewer_settings.hpp"
#include "events/event.hpp"

namespace fairuse {

class circuit_breaker {
public:
  explicit circuit_breaker(const breaker_rule& rule) : rule_{rule} {}

  /// `under_way`: calls that have not ended.
  bool may_call(std::size_t under_way, time_ms now) const {
    if (failures_ < rule_.failures) return true;
    return now >= paused_until_ and under_way == 0;
  }
  void succeeded() { failures_ = 0; }
  void failed(time_ms now) {
    if (failures_ < rule_.failures) ++failures_;
    if (failures_ == rule_.failures) paused_until_ = now + rule_.pause_ms;
  }
  bool is_open() const { return failures_ == rule_.failures; }
  /// REQUIRES: is_open().
  time_ms paused_until() const { return paused_until_; }

private:
  breaker_rule rule_;
  std::uint32_t failures_ = 0;
  time_ms paused_until_ = 0;
};

} // namespace fairuse
