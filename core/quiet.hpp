// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to core: an optimisation. In a quiet slot speech can cross, drain or ask for nothing yet: it need not be
// evaluated, so an added policy costs two comparisons an event. Without this file the decisions are the same.
#pragma once

#include "core/context.hpp"
#include "core/reading.hpp"

namespace fairuse::detail {

inline bool is_quiet(user& who, std::size_t slot, time_ms at) {
  auto& sums = who.sums;
  return sums.quiet(slot).hold(sums.added_ms(sums.policies->slots()[slot].view), at);
}

/// After an evaluation: note until when another one would write nothing.
void begin_quiet(slot_context& context, const limits_reading& windows);

/// The live slot is quiet: count why it asks for no review although caps are exceeded, as an
/// evaluation would.
void count_quiet_excess(const slot_context& live, review_block why);

} // namespace fairuse::detail
