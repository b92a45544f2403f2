// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to core: what follows from speech and from STT. `live` is the context of the event, in the live slot.
#pragma once

#include "core/context.hpp"

namespace fairuse::detail {

applied apply_speech(slot_context& live, const event& what);
applied apply_stt(slot_context& live, const event& what);

} // namespace fairuse::detail
