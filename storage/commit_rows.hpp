// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to storage. The user rows of one commit while it is gathered and written: load() must see them before
// RocksDB has them.
//
// Invariant: one entry per key; a later put or erase of the same key replaces it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tsl/robin_map.h>

namespace fairuse {

/// A user's rows by key; nullopt: deleted.
using row_overlay = std::map<std::string, std::optional<std::string>, std::less<>>;

class commit_rows {
public:
  void put(std::string_view uid, std::string_view key, std::string_view value) { set(uid, key, value, false); }
  void erase(std::string_view uid, std::string_view key) { set(uid, key, {}, true); }

  bool holds(std::string_view uid) const;
  /// Nullptr: no row of this key. Else the row, which may be a deletion (nullopt).
  std::optional<std::optional<std::string_view>> find(std::string_view uid, std::string_view key) const;
  /// Add the user's rows whose key begins with `prefix`, over what is there.
  void lay_over(std::string_view uid, std::string_view prefix, row_overlay& to) const;

  /// In the order in which keys first appeared. visit(key, value, erased).
  template <class Visit>
  void each(Visit&& visit) const {
    for (const auto& each : rows_)
      visit(text(each.key), text(each.value), each.erased);
  }
  std::size_t size() const { return rows_.size(); }
  std::size_t bytes() const { return arena_.size(); }
  void clear();

private:
  struct span {
    std::size_t at = 0;
    std::uint32_t size = 0;
  };
  struct row {
    span key;
    span value;
    /// Next row of the same hash of a uid.
    std::uint32_t next = 0;
    bool erased = false;
  };
  static constexpr std::uint32_t none = UINT32_MAX;

  void set(std::string_view uid, std::string_view key, std::string_view value, bool erased);
  std::string_view text(const span& of) const { return {arena_.data() + of.at, of.size}; }
  span keep(std::string_view bytes);
  std::uint32_t first_of(std::string_view uid) const;

  std::string arena_;
  std::vector<row> rows_;
  /// Hash of a uid to its newest row. Two uids may share a hash: keys decide.
  tsl::robin_map<std::uint64_t, std::uint32_t> heads_;
};

} // namespace fairuse
