// SPDX-License-Identifier: Apache-2.0
//
// What one partition's topics say once everything is over, read committed, and what must be true of it alone:
// I1, I3, I4, I6, and the store against the fold of its changelog (I5). Threads: one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/partition_meta.hpp"
#include "tests/protocol/world.hpp"

namespace fairuse::protocol {

using rows_by_key = std::map<std::string, std::string>;
using written_row = std::pair<std::string, std::optional<std::string>>;

/// One committed epoch.
struct told_epoch {
  epoch_record record;
  std::string journal_row;
  /// Its rows in the changelog without `~meta`, in order; empty after compaction.
  std::vector<written_row> rows;
};

struct history {
  std::int32_t partition = 0;
  std::vector<told_epoch> epochs;
  rows_by_key fold;
  partition_meta last;
};

/// Throws broken_promise.
history read_history(world& in, std::int32_t partition);
/// The store in `folder`, closed, holds the fold of the changelog.
void check_store(world& in, const history& of, const std::filesystem::path& folder);
/// Every id on the output topics is there once (I2).
void check_ids(world& in);

/// Records of an input range that readers see.
std::vector<simlog::log_entry> records_in(world& in, const std::string& topic, std::int32_t partition,
                                          std::int64_t from, std::int64_t next);
/// The first difference of two tables; empty: none. Keys in hex.
std::string difference(const rows_by_key& one, const rows_by_key& other);

} // namespace fairuse::protocol
