// SPDX-License-Identifier: Apache-2.0
//
// The same users, decided by the naive model (tests/model), which shares no rule with the engine: every decision on the
// topic is one that the model makes, in the order in which it makes them, and none is missing (I1, I2, I3, I11).
// Threads: one.
#pragma once

#include "tests/protocol/history.hpp"

namespace fairuse::protocol {

/// REQUIRES: nothing was promoted. Throws broken_promise.
void check_decisions(world& in, const history& of);

} // namespace fairuse::protocol
