// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to streams/history. Sorts rows by the bytes of key and value: in memory, and on disk what memory does not
// hold. So the order does not depend on the order in which rows were added.
// Threads: one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/store_error.hpp"

namespace fairuse::history {

struct sorted_row {
  std::string_view key;
  std::string_view value;

  int compare(const sorted_row& other) const {
    const auto order = key.compare(other.key);
    return order != 0 ? order : value.compare(other.value);
  }
};

class row_sorter {
public:
  /// `scratch`: an existing folder.
  row_sorter(std::filesystem::path scratch, std::size_t memory_bytes);
  ~row_sorter();
  row_sorter(const row_sorter&) = delete;
  row_sorter& operator=(const row_sorter&) = delete;

  result<void, store_error> add(std::string_view key, std::string_view value);
  std::uint64_t rows() const { return rows_; }

  /// The rows in order; no row is added afterwards.
  result<void, store_error> begin();
  /// False: there is none. Valid until the next call. REQUIRES: begin().
  result<bool, store_error> next(sorted_row& out);

private:
  struct run;
  struct place {
    /// The first bytes of the key, as a number that compares as they do.
    std::uint64_t start;
    std::size_t at;
  };
  sorted_row row_at(const place& where) const;
  bool is_before(const place& left, const place& right) const;
  void sort();
  result<void, store_error> spill();
  result<bool, store_error> next_of_runs(sorted_row& out);

  std::filesystem::path scratch_;
  std::size_t memory_bytes_;
  std::uint64_t rows_ = 0;
  std::string bytes_;
  std::vector<place> places_;
  std::size_t given_ = 0;
  std::vector<std::unique_ptr<run>> runs_;
  /// Runs that have a row, as a heap: the least first.
  std::vector<run*> heap_;
  run* last_ = nullptr;
};

} // namespace fairuse::history
