// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to storage. The logs of a RocksDB, a page at a time, from what is retained to what is published.
#pragma once

#include <atomic>
#include <filesystem>

#include <rocksdb/db.h>

#include "storage/stored_logs.hpp"

namespace fairuse {

/// What readers may see.
struct log_bounds {
  std::atomic<std::uint64_t> commit = 0;
  std::atomic<std::uint64_t> epoch = 0;
  std::atomic<time_ms> input_floor = INT64_MIN;
  std::atomic<time_ms> decision_floor = INT64_MIN;
};

class log_pages final : public stored_logs {
public:
  log_pages(rocksdb::DB& db, std::filesystem::path store) : db_(&db), store_(std::move(store)) {}

  log_bounds bounds;

  result<std::vector<std::string>, store_error> decisions(log_cursor& from, std::size_t most) const override;
  std::optional<std::uint64_t> epoch_of(const log_cursor& decisions) const override;
  result<std::vector<stored_dead_letter>, store_error> dead_letters(log_cursor& from, std::size_t most) const override;
  result<std::vector<stored_commit>, store_error> commits(log_cursor& from, std::size_t most) const override;

private:
  /// visit(key, value) -> false: not what we wrote.
  template <class Visit>
  result<void, store_error> page(char type, time_ms floor, std::uint64_t last, log_cursor& from, std::size_t most,
                                 Visit&& visit) const;
  result<void, store_error> complete(stored_commit& commit, std::uint64_t controls, const std::string& input_digest,
                                     std::string_view key) const;

  rocksdb::DB* db_;
  std::filesystem::path store_;
};

} // namespace fairuse
