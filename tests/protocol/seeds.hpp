// SPDX-License-Identifier: Apache-2.0
//
// A seed, run and checked. Threads: one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "tests/protocol/cluster_simulation.hpp"

namespace fairuse::protocol {

struct run_result {
  /// Empty: every invariant holds.
  std::string wrong;
  /// What happened before.
  std::string trace;
  run_counts counts;
  std::uint64_t epochs = 0;
  std::uint64_t decisions = 0;
  std::uint64_t records = 0;
};

run_result run_seed(const run_settings& settings);

/// All invariants over the log and the stores. `folder_of`: the closed state folder of the process that owns a
/// partition; nullptr: none. Throws broken_invariant.
void check_outcome(fixture& in, const std::function<const std::filesystem::path*(std::int32_t)>& folder_of,
                   run_result& made);

} // namespace fairuse::protocol
