// SPDX-License-Identifier: Apache-2.0
//
// The only source of randomness in a seed. Threads: one.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

namespace fairuse::protocol {

class random_draws {
public:
  explicit random_draws(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ULL + 0x1234567ULL) {}

  std::uint64_t next() {
    // splitmix64.
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t word = state_;
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9ULL;
    word = (word ^ (word >> 27)) * 0x94d049bb133111ebULL;
    return word ^ (word >> 31);
  }
  /// Uniform in [0, bound). The modulo's bias is of no interest here.
  template <class T>
  T below(T bound) {
    assert(bound > 0);
    return static_cast<T>(next() % static_cast<std::uint64_t>(bound));
  }
  /// True so many times in a thousand.
  bool chance(std::uint32_t per_mille) { return below(1'000U) < per_mille; }
  template <class T>
  T pick(std::initializer_list<T> from) {
    return *(from.begin() + below(from.size()));
  }
  template <class T>
  T& pick(std::vector<T>& from) {
    return from[below(from.size())];
  }

private:
  std::uint64_t state_;
};

} // namespace fairuse::protocol
