// SPDX-License-Identifier: Apache-2.0
//
// What a gateway has to know of one user, and of all of them: the rows of `fairuse.enforcement.v1`. Kafka mode writes
// them to the topic, local mode hands them to its gate.
// Threads: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/epoch.hpp"
#include "core/user.hpp"
#include "events/event.hpp"

namespace fairuse {

/// Of fixed size: no text. Times are of the events' clock, `never` where there is none.
struct enforcement_row {
  /// Epoch that it is of, and its partition.
  std::uint64_t epoch = 0;
  std::int32_t partition = 0;
  stage at = stage::none;
  // What the stage does.
  bool economy_stt = false;
  bool hard_caps = false;
  // Uploads are refused.
  bool hard_restricted = false;
  bool ceiling = false;
  bool budget_exhausted = false;
  bool content_locked = false;
  bool exempt = false;
  /// Raise of the voice-activity threshold, 1e-9.
  std::int32_t vad_threshold_nano = 0;
  /// 0: never been at a stage.
  time_ms since = 0;
  time_ms until = never;
  /// When an upload may be tried again; may be early, never late.
  time_ms retry_at = never;
  /// Of the first cap, in window order, for which uploads are refused.
  std::int64_t used_ms = 0;
  std::int64_t limit_ms = 0;
  /// Of the day's budget that holds at this stage; 0: none does.
  std::int64_t budget_ms = 0;
  // Of a budget that is exhausted.
  std::int64_t budget_used_ms = 0;
  time_ms budget_resets_at = never;
  time_ms exempt_until = never;
  friend bool operator==(const enforcement_row&, const enforcement_row&) = default;
};

/// What holds for everybody.
struct controls_row {
  std::uint64_t epoch = 0;
  /// Of that epoch: partitions number theirs apart.
  time_ms now = 0;
  std::int32_t partition = 0;
  bool enabled = false;
  bool killed = false;
  friend bool operator==(const controls_row&, const controls_row&) = default;
};

/// What changed of it, up to an epoch that is committed.
struct enforcement_changes {
  struct of_user {
    std::string uid;
    /// Nullopt: the user was erased.
    std::optional<enforcement_row> row;
  };
  std::uint64_t epoch = 0;
  time_ms now = 0;
  /// `now` follows the events, and not the wall.
  bool by_events_clock = false;
  /// In the order of epochs; a user may be in it more than once.
  std::vector<of_user> users;
  std::optional<controls_row> controls;
  /// With these, everything that was committed before the start has been told.
  bool complete = false;
};

/// What an epoch asks of a user's row.
enum class row_due : std::uint8_t {
  no,
  write,
  /// The user was erased: null value, forget them.
  erase,
};

/// `promoted`: the epoch has another live policy, which may do other things at the same stage.
row_due enforcement_due(const outcome& from, bool promoted);
/// The epoch has a policy_promoted.
bool has_promotion(const broadcast_outcome& broadcast);
/// One past the last erasure among the decisions; 0: none.
std::size_t behind_erasure(const std::vector<decision>& decisions);

/// At the end of an epoch, as if the system were on: a gateway adds what holds for everybody. REQUIRES: bound.
enforcement_row enforcement_of(const user& who, time_ms now, std::uint64_t epoch, std::int32_t partition);

} // namespace fairuse
