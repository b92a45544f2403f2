// SPDX-License-Identifier: Apache-2.0
//
// The switch of guards.cmake: which guard of the commit protocol is taken away. Threads: set before anything runs.
#pragma once

#include <string_view>

namespace fairuse::guard {

/// Empty: none.
inline std::string_view removed;

inline bool is_removed(std::string_view name) { return name == removed; }

} // namespace fairuse::guard
