// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to storage. RocksDB as storage uses it: how it is opened, how its errors read, how it leaves space on the
// disk.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <rocksdb/db.h>
#include <rocksdb/sst_file_manager.h>

#include "events/event.hpp"
#include "storage/local_store.hpp"
#include "storage/store_error.hpp"

namespace fairuse {

inline std::string_view view(const rocksdb::Slice& bytes) { return {bytes.data(), bytes.size()}; }
inline rocksdb::Slice slice_of(std::string_view bytes) { return {bytes.data(), bytes.size()}; }

/// Hour rows outlive the retention by this much: a row is dropped only when no hour in it can still count.
inline constexpr time_ms usage_slack_ms = 2 * hour_ms;
/// Hour rows from before this are dropped. Event ids of 24 hours are read whatever the retention (first_id_hour).
inline time_ms usage_floor(time_ms now, std::int64_t retention_ms) {
  return now - std::max(retention_ms, day_ms) - usage_slack_ms;
}

/// Rows older than these are dropped when RocksDB rewrites a file anyway; readers pass over them before that.
struct retention_floors {
  std::atomic<time_ms> usage = INT64_MIN;
  std::atomic<time_ms> input = INT64_MIN;
  std::atomic<time_ms> decisions = INT64_MIN;

  void move_to(time_ms now, const store_options& options);
};

/// The folder of RocksDB inside the store's.
std::filesystem::path rocks_folder(const std::filesystem::path& store);

/// An error of RocksDB in our words.
store_error translate(const rocksdb::Status& status, const std::filesystem::path& store);
/// A status of RocksDB as a result.
result<void, store_error> status_of(const rocksdb::Status& status, const std::filesystem::path& store);
store_error damaged(const std::filesystem::path& store, std::string_view what);
/// Users were erased under another case key than the one in use.
store_error wrong_key(const std::filesystem::path& store);
/// With all folders above it.
result<void, store_error> make_folder(const std::filesystem::path& folder);

/// Bytes that a writer may still use. 0 on errors, so that nothing is written.
std::uint64_t free_bytes(const std::filesystem::path& folder);

struct rocks {
  std::filesystem::path store;
  std::shared_ptr<retention_floors> floors;
  std::shared_ptr<rocksdb::SstFileManager> files;
  std::unique_ptr<rocksdb::DB> db;
  std::uint64_t reserve_bytes = 0;

  /// `create`: nothing has ever been published here.
  static result<rocks, store_error> open(const std::filesystem::path& store, const store_options& options, bool create);

  /// Nothing, or why `commit_bytes` more must not be written; also limits RocksDB's compactions.
  result<void, store_error> make_room(std::uint64_t commit_bytes) const;
};

/// One row; nullopt: there is none.
result<std::optional<std::string>, store_error> get(rocksdb::DB& db, std::string_view key,
                                                    const std::filesystem::path& store);

} // namespace fairuse
