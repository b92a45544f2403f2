// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to core: what follows from speech and from STT. `live` is the context of the event, in the live slot.
#pragma once

#include <span>

#include "core/context.hpp"

namespace fairuse::detail {

/// False: the event was there before: the same source and id in the last 24 hours, whatever its time, or in the hour of
/// its own instant.
bool is_new(user& who, const event& what, time_ms now);

/// Meter it, and ask these slots what follows. REQUIRES: all others are quiet; if it is an upload, they neither refuse
/// nor charge it.
void take_speech(slot_context& live, const event& what, std::span<const slot_number> slots);
/// What follows in these slots. REQUIRES: all others charge no STT and have no economy model. The tallies' STT is the
/// caller's.
void take_stt(slot_context& live, const event& what, std::span<const slot_number> slots);

} // namespace fairuse::detail
