// SPDX-License-Identifier: Apache-2.0
//
// The rules of one policy, as numbers. config/policy_file.hpp reads them from YAML. Every field is the *effective*
// value (defaults filled in, overrides applied): the digest is taken over exactly these. Durations and caps in ms,
// scores in 1e-9.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "events/decision.hpp"
#include "events/event.hpp"

namespace fairuse {

/// Scores and shares are whole numbers of 1e-9.
inline constexpr std::int32_t one_nano = 1'000'000'000;

enum class time_basis : std::uint8_t {
  event,   ///< speech belongs to the minute in which it was spoken
  arrival, ///< all of it belongs to `now` (the older behaviour)
};

/// What usage has to keep apart. Equal profiles share one bucket set.
struct metering_profile {
  std::int32_t bucket_s = 60;
  time_basis basis = time_basis::event;
  /// Older speech moves to the lane backfill; 0 never moves it.
  std::int64_t fresh_within_ms = day_ms;
  friend bool operator==(const metering_profile&, const metering_profile&) = default;
};

struct window_rule {
  std::string name;
  /// Whole seconds.
  std::int64_t span_ms = 0;
  std::int64_t cap_ms = 0;
};

/// Caps that differ for one plan; same order and length as `policy::windows`.
struct plan_rule {
  std::string plan;
  std::vector<std::int64_t> caps_ms;
};

struct ceiling_rule {
  std::int64_t span_ms = day_ms;
  /// Reached at sum >= cap; 0 is off.
  std::int64_t cap_ms = 0;
  bool refuses_uploads = true;
};

enum class at_last_stage : std::uint8_t {
  skip,   ///< no review whose answer cannot change anything
  review, ///< it runs and counts, and does not renew the deadline
};

struct review_rule {
  std::int32_t score_gate_nano = 700'000'000;
  std::int64_t cooldown_ms = 12 * hour_ms;
  /// A score below this clears, and earns the longer cooldown; 0 is off.
  std::int32_t cleared_below_nano = 0;
  std::int64_t cleared_cooldown_ms = 0;
  /// 0 is off.
  std::int64_t check_interval_ms = 0;
  std::int64_t timeout_ms = 30 * minute_ms;
  /// Doubles up to retry_after_max; 0 is off.
  std::int64_t retry_after_ms = 0;
  std::int64_t lookback_ms = 7 * day_ms;
  at_last_stage last_stage = at_last_stage::skip;
  /// A shadow with `reviews: ask` asks for itself when the live slot has no fresh verdict.
  bool shadow_asks = false;
};
inline constexpr std::int64_t retry_after_max_ms = 12 * hour_ms;

struct step_rule {
  stage at = stage::warning;
  bool notify = true;
  /// Strikes before this one, with instant >= now - within; 0 asks for none.
  std::uint32_t strikes = 0;
  std::int64_t within_ms = 0;
  /// 0: does not end by itself.
  std::int64_t ends_after_ms = 0;
  stage falls_to = stage::none;
  /// Soft caps become hard ones.
  bool hard_caps = false;
  /// STT of a cheaper model.
  bool economy_stt = false;
  /// Raise of the voice-activity threshold, 1e-9.
  std::int32_t vad_threshold_nano = 0;
};

enum class strike_basis : std::uint8_t { qualifying, finished_reviews };

struct budget_rule {
  /// 0: no budget.
  std::int64_t per_utc_day_ms = 0;
  stage at = stage::restrict;
  /// The share of a day's budget at which the user is told, 1e-9; 0 is off.
  std::int32_t low_nano = 0;
  /// Count already while a cap is exceeded, before the stage is reached.
  bool track_from_trigger = false;
  bool charge_stt = true;
  bool charge_uploads = false;
};

enum class hard_caps : std::uint8_t { plan, base };
enum class hard_retry : std::uint8_t { drain, deadline };
enum class upgrade_rule : std::uint8_t { nothing, clear_if_last_free, clear_free_strikes };
enum class reset_rule : std::uint8_t { keep, clear_strikes };
enum class off_rule : std::uint8_t { shadow, nothing };

struct policy {
  std::string name;
  metering_profile metering;
  /// True: enforced, its speech is summed and compared. False: metered only.
  std::array<bool, lane_count> enforced_lanes{true, true, false, false};
  /// In order; 1 .. windows_max.
  std::vector<window_rule> windows;
  std::vector<std::string> free_plans;
  std::vector<plan_rule> plans;
  ceiling_rule ceiling;
  review_rule review;
  strike_basis counts = strike_basis::qualifying;
  /// Mildest first, strictly ascending stages.
  std::vector<step_rule> steps;
  budget_rule budget;
  hard_caps hard = hard_caps::plan;
  hard_retry retry = hard_retry::drain;
  upgrade_rule on_upgrade = upgrade_rule::clear_free_strikes;
  reset_rule on_reset = reset_rule::clear_strikes;
  off_rule off = off_rule::shadow;
  /// SHA-256 of the canonical form, hex; filled by the loader (core has no hash function).
  std::string digest;

  bool is_free(std::string_view plan) const;
  /// The caps that differ for `plan`; nullptr: it has those of the windows.
  const plan_rule* plan_named(std::string_view plan) const;
  /// The cap of window number `window` for `plan`.
  std::int64_t cap_ms(std::size_t window, std::string_view plan) const;
  /// nullptr for `none` and for stages the ladder does not have.
  const step_rule* step_of(stage at) const;
  /// The step after `at`; nullptr at the last stage.
  const step_rule* step_after(stage at) const;
  /// Last instant of a stage that begins at `begin`; `never`: it does not end by itself.
  time_ms stage_end(stage at, time_ms begin) const;
  /// The stage that follows when `at` ends by itself.
  stage falls_to(stage at) const;
};

} // namespace fairuse
