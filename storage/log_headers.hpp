// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to storage. The record headers of RocksDB's logs and manifests, checked before it reads them.
//
// A header of a "recyclable" kind that names another log keeps RocksDB in an endless loop: its reader of secondaries
// always (db/log_reader.cc, FragmentBufferedReader: kOldRecord is returned and nothing is consumed), the one of its
// writer since 9.x (RocksDB's issue 13333; seen with 9.10 and one flipped bit of a manifest). RocksDB writes such
// headers only with recycle_log_file_num, which is never set here: one flipped bit makes one. Format of logs: 32 KiB
// blocks of records; 4 bytes CRC, 2 bytes length, 1 byte kind, payload (RocksDB's db/log_format.h).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "storage/store_error.hpp"

namespace fairuse {

class log_headers {
public:
  explicit log_headers(std::filesystem::path store) : store_(std::move(store)) {}

  /// Reads what came since the last call. The error names file and byte.
  result<void, store_error> check();

private:
  result<void, store_error> check(const std::filesystem::path& file);

  std::filesystem::path store_;
  /// Whole blocks that were checked, by file name.
  std::map<std::string, std::uint64_t> blocks_;
};

/// All bytes of the manifest in use are whole records. RocksDB takes a record whose length leads past the end for one
/// that a crash has torn: it reads nothing from there on, says nothing, and forgets tables whose log is gone.
bool manifest_is_whole(const std::filesystem::path& store);

/// The manifest that RocksDB reads, by name; empty: there is none.
std::string manifest_in_use(const std::filesystem::path& store);

} // namespace fairuse
