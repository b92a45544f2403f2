// SPDX-License-Identifier: Apache-2.0
//
// What the program calls itself. Only in the program: FAIRUSE_VERSION is defined for its sources.
#pragma once

namespace fairuse::cli {

inline constexpr const char* program_text = "fairuse " FAIRUSE_VERSION;

} // namespace fairuse::cli
