// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to core: asking for purpose classifications, and what follows from their answers. Order of outcomes:
// terminal, cooldown, synthetic, failed, scored; terminal and cooldown are counters.
#pragma once

#include "core/context.hpp"

namespace fairuse::detail {

/// May this slot ask for a review at context.at? If not: why, and when it may (`never`: until something else happens).
struct request_time {
  review_block why_not_now = review_block::none;
  time_ms at = never;
};
request_time next_request(const slot_context& context);
void count_review_block(counters& counts, review_block why);

/// Some caps are exceeded: ask, synthesise, borrow, or count why not.
void ask_review(slot_context& context, std::uint8_t exceeded);
/// A review event, for the slot that asked. `live` is the context of the event.
applied apply_review(slot_context& live, const event& what);
/// The timer of a pending request.
void time_out_review(slot_context& context);

} // namespace fairuse::detail
