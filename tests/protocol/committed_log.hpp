// SPDX-License-Identifier: Apache-2.0
//
// What one partition's topics hold at the end, read committed, and the invariants of it alone: I1, I3, I4, I6, and the
// store against the fold of its changelog (I5). Threads: one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/partition_meta.hpp"
#include "tests/protocol/fixture.hpp"

namespace fairuse::protocol {

using rows_by_key = std::map<std::string, std::string>;
using written_row = std::pair<std::string, std::optional<std::string>>;

/// One committed epoch.
struct committed_epoch {
  epoch_record record;
  std::string journal_row;
  /// Its rows in the changelog without `~meta`, in order; empty after compaction.
  std::vector<written_row> rows;
};

struct committed_log {
  std::int32_t partition = 0;
  std::vector<committed_epoch> epochs;
  rows_by_key fold;
  partition_meta last;
};

/// Throws broken_invariant.
committed_log read_committed_log(fixture& in, std::int32_t partition);
/// The store in `folder`, closed, holds the fold of the changelog.
void check_store(fixture& in, const committed_log& of, const std::filesystem::path& folder);
/// Every id on the output topics is there once (I2).
void check_ids(fixture& in);

/// Records of an input range that readers see.
std::vector<simlog::log_entry> records_in(fixture& in, const std::string& topic, std::int32_t partition,
                                          std::int64_t from, std::int64_t next);
/// The first difference of two tables; empty: none. Keys in hex.
std::string difference(const rows_by_key& one, const rows_by_key& other);

} // namespace fairuse::protocol
