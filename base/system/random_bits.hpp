// SPDX-License-Identifier: Apache-2.0
//
// What nobody can foresee and no result depends on: seeds of hash tables, prefixes of ids.
// Threads: any.
#pragma once

#include <cstdint>
#include <random>

namespace fairuse {

inline std::uint64_t random_bits() {
  std::random_device from;
  const auto high = std::uint64_t{from()};
  return high << 32U | from();
}

} // namespace fairuse
