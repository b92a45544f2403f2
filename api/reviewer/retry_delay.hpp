// SPDX-License-Identifier: Apache-2.0
//
// How long to wait before a call is made again: twice as long each time, half of it by chance, so that many that failed
// together do not come back together; never less than the endpoint asked for. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace fairuse {

inline constexpr std::int64_t retry_first_ms = 500;
inline constexpr std::int64_t retry_most_ms = 60'000;

/// `failed`: calls that were made, at least 1. `chance`: any number, as random as the waits shall be.
inline std::int64_t retry_delay_ms(std::uint32_t failed, std::optional<std::int64_t> retry_after_ms,
                                   std::uint64_t chance) {
  const auto doubled = std::min(retry_first_ms << std::min(failed - 1, 20U), retry_most_ms);
  const auto half = static_cast<std::uint64_t>(doubled / 2);
  const auto by_chance = static_cast<std::int64_t>(half + chance % (half + 1));
  if (not retry_after_ms) return by_chance;
  // All of a burst were told the same instant.
  const auto spread = static_cast<std::int64_t>(chance % static_cast<std::uint64_t>(retry_first_ms));
  return std::max(by_chance, *retry_after_ms + spread);
}

} // namespace fairuse
