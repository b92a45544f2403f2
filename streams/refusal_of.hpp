// SPDX-License-Identifier: Apache-2.0
//
// Reason and place of a dead letter for an event that core refused, or for a command that could not be carried out.
#pragma once

#include <string_view>

#include "core/rules.hpp"
#include "events/refusal.hpp"

namespace fairuse {

struct refused_at {
  refusal why = refusal::erased;
  std::string_view place;
};

/// REQUIRES: is_refused(why).
inline refused_at refusal_of(applied why) {
  switch (why) {
    case applied::too_old:
      return {refusal::too_old, {}};
    case applied::future:
      return {refusal::future, {}};
    case applied::unknown_strike:
    case applied::no_appeal:
      return {refusal::bad_value, place_of_strike};
    case applied::past_until:
      return {refusal::bad_value, place_of_until};
    default:
      return {refusal::erased, {}};
  }
}

/// Promotion of a policy that is no shadow, or whose sums are incomplete.
inline constexpr refused_at impossible_promotion{refusal::bad_value, "data.policy"};

} // namespace fairuse
