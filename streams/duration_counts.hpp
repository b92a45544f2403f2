// SPDX-License-Identifier: Apache-2.0
//
// How long something took, each time: counts by bounds that never change, as a histogram of Prometheus has them.
// Threads: plain values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace fairuse {

struct duration_counts {
  /// A duration belongs to the first bound that it is not above, or to none.
  static constexpr std::array<std::int64_t, 13> bounds_us{
      500, 1'000, 2'500, 5'000, 10'000, 25'000, 50'000, 100'000, 250'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000};

  /// By bound, and last those above all.
  std::array<std::uint64_t, bounds_us.size() + 1> counts{};
  std::int64_t sum_us = 0;

  void add(std::int64_t us);
  duration_counts& operator+=(const duration_counts& other);
};

} // namespace fairuse
