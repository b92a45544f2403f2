// SPDX-License-Identifier: Apache-2.0
//
// What a reviewer is asked: who, by which request, until when, and what the user's last conversations were.
// Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "events/decision.hpp"
#include "events/event.hpp"

namespace fairuse {

struct exceeded_window {
  std::string window;
  std::int64_t sum_ms = 0;
  std::int64_t cap_ms = 0;
};

struct shown_conversation {
  std::string id;
  time_ms at = 0;
  std::string title;
  /// At most 200 characters.
  std::string overview;
  std::string category;
  std::int64_t duration_ms = 0;
  lane from = lane::realtime;
};

struct review_request {
  std::string uid;
  /// `<slot>-<number>`, as the answer repeats it.
  std::string request;
  time_ms asked_at = 0;
  /// An answer after this is late; `never`: it may come at any time.
  time_ms answer_by = never;
  std::vector<exceeded_window> windows;
  /// Bits of `recipe`.
  std::uint8_t recipes = 0;
  /// Those of the policy's lookback, at most 30, oldest first.
  std::vector<shown_conversation> conversations;
};

} // namespace fairuse
