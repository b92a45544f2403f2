// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to core: what follows from speech and from STT. `live` is the context of the event, in the live slot.
#pragma once

#include "core/context.hpp"

namespace fairuse::detail {

/// False: the event was there before: the same source and id in the last 24 hours, whatever its time, or in the hour of
/// its own instant.
bool is_new(user& who, const event& what, time_ms now);

void take_speech(slot_context& live, const event& what);
void take_stt(slot_context& live, const event& what);

} // namespace fairuse::detail
