// SPDX-License-Identifier: Apache-2.0
//
// Why two policies took one user to different stages, from the decisions of both. The one that went further is said to
// hit the user, the other one to spare them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/policy.hpp"
#include "events/decision.hpp"

namespace fairuse::sim {

/// What the policy that spares decided where the other one hit: how its review ended that kept it from asking when the
/// other one asked, or else its next one.
enum class sparing : std::uint8_t {
  cap_not_crossed, ///< no sum was ever above a cap
  no_review,       ///< it asked for none then and later
  pending,         ///< it asked, and the run ended before the outcome
  not_qualifying,  ///< the score was below its gate
  unanswered,      ///< a replay: there was no outcome to give
  failed,          ///< the review failed
  timed_out,
  ignored,         ///< the outcome came when it could change nothing
  too_few_strikes, ///< a strike, and its ladder asks for more of them
  last_stage,      ///< its ladder ends there
};

std::string_view to_text(sparing value);

/// How one policy took a user beyond the stage at which the other left them.
struct stage_hit {
  time_ms at = 0;
  /// Of the request that led to it, if there was one.
  time_ms asked_at = 0;
  stage to = stage::none;
  /// `verdict`, `credits_exhausted`.
  reason why = reason::none;
  /// Of the strike, if it has a score.
  std::optional<std::int32_t> score_nano;
  /// When it asked, or knew without asking: of the windows above their caps that whose cap was crossed first; nullopt:
  /// no such window. The cap is not known if it became smaller while the sum was above it.
  std::optional<std::uint8_t> window;
  std::int64_t sum_ms = 0;
  std::optional<std::int64_t> cap_ms;
};

/// What the other policy decided instead.
struct stage_sparing {
  sparing by = sparing::cap_not_crossed;
  /// Of the outcome; nullopt: there was none.
  std::optional<time_ms> at;
  std::optional<std::int32_t> score_nano;
};

struct stage_reason {
  stage_hit hit;
  stage_sparing spared;
};

/// A policy's part of a user's decisions.
struct decided_by {
  const slot_label* label = nullptr;
  const policy* rules = nullptr;
  /// The highest stage that the user reached.
  stage highest = stage::none;
};

/// `decisions` of all policies, in order. REQUIRES: hits.highest > spares.highest.
stage_reason explain_change(std::span<const decision> decisions, const decided_by& hits, const decided_by& spares);

} // namespace fairuse::sim
