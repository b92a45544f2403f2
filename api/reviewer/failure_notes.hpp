// SPDX-License-Identifier: Apache-2.0
//
// What a log says of calls and reviews that fail: each reason once, with its cause, until none failed for a minute;
// then that verdicts come again. An endpoint that fails now and then makes a few lines a minute, however many calls.
// Threads: one.
#pragma once

#include <bitset>
#include <functional>
#include <string>

#include "api/reviewer/review_failure.hpp"
#include "base/pure/log_level.hpp"
#include "events/event.hpp"

namespace fairuse {

class failure_notes {
public:
  using log_function = std::function<void(log_level, const std::string&)>;

  explicit failure_notes(log_function log) : log_{std::move(log)} {}

  /// What is said next happens at this instant, which never goes back. To be called often.
  void at(time_ms now);
  /// `cause`: empty, or for people; nothing of a conversation, an answer or a key.
  void failed(review_failure why, const std::string& cause = {});
  void has_verdict() { is_well_ = true; }

private:
  log_function log_;
  time_ms now_ = 0;
  time_ms failed_at_ = 0;
  /// The last review had a verdict.
  bool is_well_ = false;
  std::bitset<review_failure_count> told_;
};

} // namespace fairuse
