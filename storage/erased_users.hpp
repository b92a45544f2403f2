// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to storage. The erased users: few, so all in memory, under keyed hashes of their uids. As long as no user
// was erased, find() costs a branch; else a cache stands in front of the keyed hash.
// Threads: one.
#pragma once

#include <map>
#include <string_view>

#include <tsl/robin_map.h>

#include "storage/case_reference.hpp"
#include "storage/rows.hpp"

namespace fairuse {

class erased_users {
public:
  explicit erased_users(std::string_view case_key) : namer_(case_key) {}

  bool empty() const { return all_.empty(); }
  /// nullptr: not erased.
  const tombstone* find(std::string_view uid);
  /// The key of its row.
  keyed_hash hash(std::string_view uid) { return namer_.erased(uid); }
  void set(const keyed_hash& who, tombstone what);
  /// The same from a row as it stands in the store; false: it does not decode.
  bool set_row(row_codec& codec, std::string_view key, std::string_view row);

  /// Restore in a user what the erasure left.
  void restore(std::string_view uid, const policy_set& policies, user& to);

private:
  struct fingerprint {
    std::uint64_t high;
    std::uint64_t low;
    friend bool operator==(const fingerprint&, const fingerprint&) = default;
  };
  struct low_bits {
    std::size_t operator()(const fingerprint& of) const { return of.low; }
  };
  case_namer namer_;
  std::map<keyed_hash, tombstone> all_;
  tsl::robin_map<fingerprint, const tombstone*, low_bits> asked_;
};

} // namespace fairuse
