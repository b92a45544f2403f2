// SPDX-License-Identifier: Apache-2.0
//
// A seed from curtain to verdict. Threads: one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
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

/// All invariants over what is left. `folder_of`: the closed state folder of whoever owns a partition; nullptr: nobody.
/// Throws broken_promise.
void check_outcome(world& in, const std::function<const std::filesystem::path*(std::int32_t)>& folder_of,
                   verdict& made);

} // namespace fairuse::protocol
