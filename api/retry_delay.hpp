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

/// `failed`: attempts that were made, at least 1. `chance`: any number, as random as the waits shall be.
inline std::int64_t doubled_wait_ms(std::int64_t first_ms, std::int64_t most_ms, std::uint32_t failed,
                                    std::uint64_t chance) {
  auto doubled = first_ms;
  for (std::uint32_t i = 1; i < failed and doubled < most_ms; ++i)
    doubled *= 2;
  const auto half = std::min(doubled, most_ms) / 2;
  return half + static_cast<std::int64_t>(chance % static_cast<std::uint64_t>(half + 1));
}

/// Of a call to a model.
inline std::int64_t retry_delay_ms(std::uint32_t failed, std::optional<std::int64_t> retry_after_ms,
                                   std::uint64_t chance) {
  const auto by_chance = doubled_wait_ms(retry_first_ms, retry_most_ms, failed, chance);
  if (not retry_after_ms) return by_chance;
  // All of a burst were told the same instant.
  const auto spread = static_cast<std::int64_t>(chance % static_cast<std::uint64_t>(retry_first_ms));
  return std::max(by_chance, *retry_after_ms + spread);
}

} // namespace fairuse
