// SPDX-License-Identifier: Apache-2.0
//
// What the engine decided. Decisions are the output, the audit log and what replays compare. Core writes these structs;
// events/decision_json.hpp gives them their wire form, and only a sink adds id, epoch and case reference.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "events/event.hpp"

namespace fairuse {

/// A closed list (docs/decisions-format.md). Persistent: never renumber.
enum class decision_kind : std::uint8_t {
  cap_crossed = 0,
  review_requested = 1,
  review_cleared = 2,
  review_failed = 3,
  review_timed_out = 4,
  review_unanswered = 5,
  review_ignored = 6,
  strike_added = 7,
  strike_cleared = 8,
  stage_changed = 9,
  budget_exhausted = 10,
  budget_reset = 11,
  restriction_engaged = 12,
  restriction_lifted = 13,
  content_locked = 14,
  content_unlocked = 15,
  notification = 16,
  policy_promoted = 17,
  user_erased = 18,
  exemption_ended = 19,
  budget_low = 20,
  strike_restored = 21,
  appeal_opened = 22,
  appeal_closed = 23,
};
inline constexpr std::size_t decision_kind_count = 24;

std::string_view to_text(decision_kind value);

/// Why a decision was written. Text in events/decision.cpp; the text is API.
enum class reason : std::uint8_t {
  none = 0,
  cap_exceeded,      // a window sum is above its cap
  verdict,           // a review answered
  credits_exhausted, // the synthetic score of an exhausted free plan
  stage_ended,       // timer
  budget_day_over,   // timer
  review_timed_out,  // timer
  drained,           // timer: sums no longer hold a restriction
  usage_restored,    // same, found while something else changed the user
  budget_spent,      // all of a day's budget, or the share that a policy calls low
  admin,             // an admin command
  upgrade,           // a paid plan
  credits_restored,
  plan_changed,
  policy_changed,
  erasure,
  review_failed,   // the reviewer said so
  no_live_verdict, // there was no live verdict for a shadow
  late_answer,     // the request had timed out
  unknown_request, // never asked
  exempt,
  system_off,
  kill_switch,
  last_stage, // at_last_stage: skip
  ceiling_reached,
  stage_reached,   // a stage whose actions say caps: hard
  exemption_ended, // by a command, or by itself
  system_on,
  kill_switch_off,
  no_recorded_outcome, // a replay: nothing was recorded, and no model answers
};

std::string_view to_text(reason value);

enum class restriction_kind : std::uint8_t { hard = 0, ceiling = 1 };

/// The wording of a notification: for misuse, or for credits (free_exhausted).
enum class wording : std::uint8_t { misuse = 0, credits = 1 };

std::string_view to_text(wording value);

/// Extra prompt recipes that a pattern of usage chooses, as bits.
enum recipe : std::uint8_t {
  recipe_audiobook = 1,
  recipe_prerecorded = 2,
  recipe_commercial = 4,
  recipe_podcast = 8,
};

/// By bit, as decisions write them.
inline constexpr std::array<std::string_view, 4> recipe_names{"audiobook", "prerecorded", "commercial", "podcast"};

inline constexpr std::size_t windows_max = 8;

/// Where a decision was made: one per loaded slot, immutable, valid as long as the process runs.
struct slot_label {
  /// `live`, `off`, or the shadow's name.
  std::string slot;
  bool enforced = false; ///< mode live; everything else is mode shadow
  std::string policy;
  /// SHA-256 of the canonical effective policy, hex.
  std::string digest;
  std::vector<std::string> windows;
};

/// One decision. Fields that a kind does not use stay at their defaults and are not written; which kind writes which
/// field is the table in docs/decisions-format.md.
struct decision {
  decision_kind kind = decision_kind::cap_crossed;
  reason why = reason::none;
  const slot_label* slot = nullptr;
  /// `now`, or the due instant of the timer that wrote it.
  time_ms time = 0;
  /// Id of the event that caused it; empty for a timer.
  std::string cause;
  /// Window sums of the slot's policy at `time`, in the policy's order.
  std::array<std::int64_t, windows_max> sums{};
  std::uint8_t sum_count = 0;
  /// cap_crossed: index into slot->windows. review_requested: bit per exceeded window in `exceeded`.
  std::uint8_t window = 0;
  std::uint8_t exceeded = 0;
  std::uint8_t recipes = 0;
  restriction_kind restriction = restriction_kind::hard;
  wording words = wording::misuse;
  stage from = stage::none;
  stage to = stage::none;
  usage_type type = usage_type::none;
  /// strike_added, review_cleared, review_failed: what else the reviewer said; nullptr: nothing.
  shared_details said;
  bool scored = false;     ///< score_nano and type are meaningful
  bool qualifying = false; ///< score at or above the gate
  std::int32_t score_nano = 0;
  std::int64_t sum_ms = 0;
  std::int64_t cap_ms = 0;
  /// When what began here ends: stage end, retry time, budget reset, review deadline. `never`: no end.
  time_ms until = never;
  std::uint32_t request = 0; ///< 0: none
  std::uint32_t strike = 0;  ///< 0: none; the sink turns it into a case reference (live slot only)
  /// Strikes before this one, over 7 and 30 days (strike_added, review_cleared).
  std::uint32_t prior_7d = 0;
  std::uint32_t prior_30d = 0;
  /// The actor of an admin command, or the failure text of a review.
  std::string who;
  /// The reason that an admin command gave.
  std::string note;
  /// policy_promoted: the policy's name.
  std::string promoted;
};

} // namespace fairuse
