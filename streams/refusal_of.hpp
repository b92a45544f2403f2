// SPDX-License-Identifier: Apache-2.0
//
// The reason of a dead letter for an event that core refused, or for a command that could not be carried out.
#pragma once

#include <string_view>

#include "core/rules.hpp"
#include "events/refusal.hpp"

namespace fairuse {

/// REQUIRES: too_old, future or erased.
inline refusal refusal_of(applied why) {
  switch (why) {
    case applied::too_old:
      return refusal::too_old;
    case applied::future:
      return refusal::future;
    default:
      return refusal::erased;
  }
}

/// Promotion of a policy that is no shadow, or whose sums are incomplete.
inline constexpr struct {
  refusal why;
  std::string_view place;
} impossible_promotion = {refusal::bad_value, "data.policy"};

} // namespace fairuse
