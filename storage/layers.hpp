// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to storage. All rows of a store: those of RocksDB, under the rows of commits that it does not have yet.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string_view>

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include "storage/commit_rows.hpp"
#include "storage/erased_users.hpp"
#include "storage/store_error.hpp"

namespace fairuse {

/// Rows that RocksDB does not have yet, oldest commit first.
using overlays = std::span<const commit_rows* const>;

/// Every row whose key begins with `type`, by key. `visit` is false for a row that does not decode; the error then
/// says `fault`.
result<void, store_error> each_row(rocksdb::DB& db, const std::filesystem::path& store, char type, overlays before,
                                   std::string_view fault,
                                   const std::function<bool(std::string_view key, std::string_view value)>& visit);

/// All erased users of the store.
result<void, store_error> read_erased(rocksdb::DB& db, const std::filesystem::path& store, overlays before,
                                      erased_users& to);

/// Put and delete what `rows` says.
void add_rows(rocksdb::WriteBatch& to, const commit_rows& rows);

} // namespace fairuse
