// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to streams/history. Rows in memory, sorted by group, then by key and value. The name of a group is kept
// once, and rows are compared within their group alone, mostly by numbers that lie beside each other. Operation: add()
// all, sort(), then read them once. Threads: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace fairuse::history {

/// As it lies in memory and on disk: both lengths as varints, then key and value.
struct packed_row {
  std::string_view key;
  std::string_view value;

  static constexpr std::size_t head_bytes_max = 20;
  /// Bytes of a row, head included, and what of it is here; 0: `from` holds no whole head.
  static std::size_t read(std::string_view from, packed_row& out);
  int compare(const packed_row& other) const {
    const auto order = key.compare(other.key);
    return order != 0 ? order : value.compare(other.value);
  }
};

class row_batch {
public:
  void add(std::string_view group, std::string_view key, std::string_view value);
  bool empty() const { return places_.empty(); }
  /// What its rows take, with what sorting them will.
  std::size_t memory_bytes() const;

  void sort();
  /// The next group; false: there is none.
  bool next_group(std::string_view& name, std::uint32_t& rows);
  /// The bytes of its next row. REQUIRES: it has one.
  std::string_view next_row();
  /// Memory is kept for the next rows.
  void clear();

private:
  /// Of a row: the first bytes of its key, as numbers that compare as they do, and where it lies.
  struct place {
    std::uint64_t first;
    std::uint64_t second;
    std::uint64_t at;
  };
  struct counted_group {
    std::string_view name;
    std::uint32_t rows;
  };
  struct name_hash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  std::uint32_t group_of(std::string_view name);
  bool is_before(const place& left, const place& right) const;
  packed_row row_at(const place& where) const;

  std::string bytes_;
  std::vector<place> places_;
  /// Of each place, until they are sorted.
  std::vector<std::uint32_t> group_of_;
  std::unordered_map<std::string, std::uint32_t, name_hash, std::equal_to<>> numbers_;
  std::vector<counted_group> groups_;
  std::size_t name_bytes_ = 0;
  std::size_t next_group_ = 0;
  std::size_t next_row_ = 0;
};

} // namespace fairuse::history
