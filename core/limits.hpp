// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to core: sums against caps, hard caps and ceiling.
#pragma once

#include "core/context.hpp"
#include "core/reading.hpp"

namespace fairuse::detail {

/// Compare sums with caps after the speech of out.speech; ask for a review if one is exceeded.
void evaluate(slot_context& context);

/// Is a cap of the user's plan exceeded at context.at? (A slot that does not judge is not asked.)
bool exceeds_cap(slot_context& context);

/// Restrictions at context.at; none for the exempt.
restrictions_reading read_restrictions(slot_context& context);

/// Sums against hard caps and ceiling, now: write engaged and lifted.
void refresh_restrictions(slot_context& context, reason engaged, reason lifted);

/// The drain timer: lift what no longer holds. Engages nothing, so a timer that fires early writes nothing.
void lift_drained(slot_context& context);

} // namespace fairuse::detail
