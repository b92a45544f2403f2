// SPDX-License-Identifier: Apache-2.0
//
// The same users, decided by the naive model (tests/model), which shares no rule with the engine: every decision on the
// topic is one that the model makes, in the order in which it makes them, and none is missing (I1, I2, I3, I11).
// Threads: one.
#pragma once

#include "tests/protocol/committed_log.hpp"

namespace fairuse::protocol {

/// REQUIRES: nothing was promoted. Throws broken_invariant.
void check_decisions(fixture& in, const committed_log& of);

} // namespace fairuse::protocol
