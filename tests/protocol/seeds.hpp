// SPDX-License-Identifier: Apache-2.0
//
// A seed from curtain to verdict. Threads: one.
#pragma once

#include <cstdint>
#include <string>

#include "tests/protocol/theatre.hpp"

namespace fairuse::protocol {

struct verdict {
  /// Empty: every promise was kept.
  std::string wrong;
  /// What happened before it was broken.
  std::string diary;
  play_counts counts;
  std::uint64_t epochs = 0;
  std::uint64_t decisions = 0;
  std::uint64_t records = 0;
};

verdict play_seed(const setting& how);

} // namespace fairuse::protocol
