// SPDX-License-Identifier: Apache-2.0
//
// Cheap numbers from a seed, for made-up traffic.
#pragma once

#include <cstdint>

namespace fairuse::bench {

/// The output function of splitmix64.
inline std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31U);
}

class splitmix {
public:
  explicit splitmix(std::uint64_t seed) : state_{seed} {}
  std::uint64_t below(std::uint64_t limit) { return mix(state_ += 0x9e3779b97f4a7c15U) % limit; }

private:
  std::uint64_t state_;
};

} // namespace fairuse::bench
