// SPDX-License-Identifier: Apache-2.0
//
// What this process has used so far, for summaries and metrics.
#pragma once

#include <cstdint>

namespace fairuse {

double cpu_seconds();
std::uint64_t memory_peak_bytes();
/// Now; 0: the system does not say.
std::uint64_t memory_bytes();

} // namespace fairuse
