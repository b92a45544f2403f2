// SPDX-License-Identifier: Apache-2.0
//
// A partition made once more from nothing but its journal, its inputs and the policies: another store, other actors,
// everybody kept in memory. What comes out must be what is on the topics, byte for byte (I4, I5, I7).
// Threads: one.
#pragma once

#include "tests/protocol/history.hpp"

namespace fairuse::protocol {

/// Throws broken_promise.
void check_replay(world& in, const history& of);

} // namespace fairuse::protocol
