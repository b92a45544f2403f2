// SPDX-License-Identifier: Apache-2.0
//
// What is counted and never decided. Additive, so any merge order gives the same numbers.
#pragma once

#include <array>
#include <cstdint>

#include "events/event.hpp"

namespace fairuse {

struct counters {
  std::uint64_t accepted = 0;
  std::uint64_t duplicates = 0;
  /// Of the duplicates: commands that say something else than the first one under their id.
  std::uint64_t reused_command_ids = 0;
  std::uint64_t stale = 0;
  std::uint64_t too_old = 0;
  std::uint64_t future = 0;
  std::uint64_t erased = 0;
  /// Speech that moved to the lane backfill because it came late.
  std::uint64_t moved_to_backfill = 0;
  /// STT of an earlier day: not charged to any budget.
  std::uint64_t stt_of_earlier_day = 0;
  /// Evaluations that would have asked for a review, and why they did not (live slot).
  std::uint64_t review_cooldown = 0;
  std::uint64_t review_terminal = 0;
  std::uint64_t review_pending = 0;
  /// Metered, by lane.
  std::array<std::int64_t, lane_count> metered_ms{};

  counters& operator+=(const counters& other);
};

/// Per slot: what enforcement did or would do to audio: harm for a legitimate user, savings for misuse.
struct slot_tally {
  std::int64_t stt_ms = 0;            ///< STT seen
  std::int64_t stt_blocked_ms = 0;    ///< of it: the budget was exhausted
  std::int64_t stt_economy_ms = 0;    ///< of it: on the cheaper model
  std::int64_t upload_refused_ms = 0; ///< uploads that the gate would have refused
  std::uint64_t reviews = 0;          ///< requested
  std::uint64_t synthetic = 0;        ///< free_exhausted verdicts, no model call
  std::uint64_t unanswered =
      0; ///< shadow reviews that found no live verdict; in a replay, those without a recorded outcome

  slot_tally& operator+=(const slot_tally& other);
};

} // namespace fairuse
