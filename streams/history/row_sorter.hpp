// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to streams/history. Sorts rows by group, then by the bytes of key and value: in memory, and on disk what
// memory does not hold. So the order does not depend on the order in which rows were added.
// Threads: one; rows that go to disk are sorted and written on another, while more are added.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/store_error.hpp"
#include "streams/history/row_batch.hpp"

namespace fairuse::history {

struct sorted_row {
  std::string_view group;
  std::string_view key;
  std::string_view value;
};

class row_sorter {
public:
  /// `scratch`: an existing folder.
  row_sorter(std::filesystem::path scratch, std::size_t memory_bytes);
  ~row_sorter();
  row_sorter(const row_sorter&) = delete;
  row_sorter& operator=(const row_sorter&) = delete;

  result<void, store_error> add(std::string_view group, std::string_view key, std::string_view value);
  std::uint64_t rows() const { return rows_; }

  /// The rows in order; no row is added afterwards.
  result<void, store_error> begin();
  /// False: there is none. Valid until the next call. REQUIRES: begin().
  result<bool, store_error> next(sorted_row& out);

private:
  struct run;
  struct closed {
    void operator()(std::FILE* file) const { (void)std::fclose(file); }
  };
  result<void, store_error> spill();
  result<void, store_error> wait();
  result<void, store_error> write(row_batch& batch);
  result<void, store_error> open_runs();
  bool next_in_memory(sorted_row& out);
  result<bool, store_error> next_of_runs(sorted_row& out);
  result<bool, store_error> begin_group();
  result<void, store_error> put_back(run& one);

  std::filesystem::path file_;
  std::size_t memory_bytes_;
  std::uint64_t rows_ = 0;
  row_batch batch_;
  /// What next() gave of the group, from memory.
  std::string_view group_;
  std::uint32_t left_ = 0;

  /// Has all runs, one after the other.
  std::unique_ptr<std::FILE, closed> scratch_;
  std::uint64_t written_ = 0;
  std::vector<std::unique_ptr<run>> runs_;
  /// Runs that have a group, as a heap: the least first; and those among them that have a row of the least group.
  std::vector<run*> by_group_;
  std::vector<run*> by_row_;
  run* last_ = nullptr;
  std::string name_;

  row_batch spilled_;
  /// Ends before what it works on.
  std::future<result<void, store_error>> writing_;
};

} // namespace fairuse::history
