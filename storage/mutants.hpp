// SPDX-License-Identifier: Apache-2.0
//
// Guards of the commit protocol that a test can take away, to see that its checker notices (tests/protocol). Only the
// test build that defines FAIRUSE_MUTANTS has the switch; everywhere else the question is answered at compile time.
// Threads: set before anything runs.
#pragma once

#include <string_view>

namespace fairuse::mutant {

#ifdef FAIRUSE_MUTANTS
/// The guard that is gone; empty: none.
inline std::string_view chosen;
inline bool is_on(std::string_view name) { return chosen == name; }
#else
constexpr bool is_on(std::string_view) { return false; }
#endif

} // namespace fairuse::mutant
