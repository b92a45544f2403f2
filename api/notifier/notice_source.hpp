// SPDX-License-Identifier: Apache-2.0
//
// Where notices come from, and where it is kept how they ended: the local store and a folder, or Kafka. A source may
// give a notice again that was given before a restart, never one whose end was saved. Threads: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "api/notifier/notice.hpp"
#include "base/pure/result.hpp"

namespace fairuse {

enum class notice_end : std::uint8_t {
  sent,
  gave_up, ///< the webhook did not take it in time
  dropped, ///< it is not true any more
};

std::string_view to_text(notice_end value);

/// How a notice ended.
struct delivery {
  notice_end how = notice_end::sent;
  time_ms at = 0;
  std::uint32_t attempts = 0;
  /// Of the last answer; 0: there was none.
  int status = 0;
  /// Why it was dropped or given up; no answer's text.
  std::string why;
  /// gave_up: what the webhook was to get.
  std::string body;
};

/// What is true of a user now.
struct told_user {
  /// There is no such user any more.
  bool erased = false;
  bool exempt = false;
  stage at = stage::none;
  /// When the user came to that stage; 0: not known.
  time_ms since = 0;
  /// Empty: not known.
  std::string locale;
  std::string time_zone;
};

class notice_source {
public:
  virtual ~notice_source() = default;

  /// Up to `most` new notices, in order. Returns at once; none: there is nothing new.
  virtual result<std::vector<notice>> poll(std::size_t most, time_ms now) = 0;
  /// Nothing is sent now: the kill switch is on, or the system is off.
  virtual result<bool> is_held(time_ms now) = 0;
  virtual result<told_user> user_of(const notice& what, time_ms now) = 0;
  /// A notice is tried for the first time, and fails. Kept with the next save().
  virtual result<void> failing(const notice& what) = 0;
  virtual result<void> finished(const notice& what, const delivery& end) = 0;
  /// Make durable what failing() and finished() said. Called after every turn, so it is cheap where nothing changed.
  virtual result<void> save(time_ms now) = 0;
};

} // namespace fairuse
