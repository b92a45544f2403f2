// SPDX-License-Identifier: Apache-2.0
//
// FAIRUSE_SEED=17 runs one seed, FAIRUSE_SEEDS=1..20000 a range.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>

namespace fairuse {

/// The first and the last; `usual` if nobody wishes any.
inline std::pair<std::uint64_t, std::uint64_t> wanted_seeds(std::string usual) {
  if (const char* one = std::getenv("FAIRUSE_SEED")) return {std::stoull(one), std::stoull(one)};
  if (const char* named = std::getenv("FAIRUSE_SEEDS")) usual = named;
  const auto dots = usual.find("..");
  if (dots == std::string::npos) return {std::stoull(usual), std::stoull(usual)};
  return {std::stoull(usual), std::stoull(usual.substr(dots + 2))};
}

} // namespace fairuse
