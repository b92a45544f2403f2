// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to core: which timer of a user is due when, and what it does. Timers are not stored: each follows from a
// field of a standing.
#pragma once

#include "core/context.hpp"

namespace fairuse::detail {

/// Earliest due timer of a standing; `never`: it has none.
time_ms next_due(const standing& of);
/// The same over all slots of a user.
time_ms next_due(const user& who);

/// Fire every timer due at or before `now`, by (due, kind, slot), and note when the next one is due.
void fire_timers(user& who, const controls& in_force, time_ms now, step_output& out);

} // namespace fairuse::detail
