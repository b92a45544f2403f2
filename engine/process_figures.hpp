// SPDX-License-Identifier: Apache-2.0
//
// What this process has used so far, for summaries.
#pragma once

#include <cstdint>

namespace fairuse {

double cpu_seconds();
std::uint64_t memory_peak_bytes();

} // namespace fairuse
