// SPDX-License-Identifier: Apache-2.0
//
// The reason of a dead letter for an event that core refused.
#pragma once

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

} // namespace fairuse
