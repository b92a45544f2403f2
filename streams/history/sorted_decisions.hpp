// SPDX-License-Identifier: Apache-2.0
//
// The decisions of a deployment by user and slot, each slot's in the order in which they were made, as a replay writes
// them (append_decision_chain): what is compared with a replay as recorded. On disk if they are many.
// Threads: one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "events/user_decisions.hpp"
#include "events/wire.hpp"
#include "streams/history/row.hpp"
#include "streams/history/row_sorter.hpp"
#include "streams/history/told_decision.hpp"

namespace fairuse::history {

class sorted_decisions {
public:
  /// `scratch`: an existing folder.
  explicit sorted_decisions(std::filesystem::path scratch, std::size_t memory_bytes = std::size_t{64} << 20)
    : rows_(std::move(scratch), memory_bytes) {}

  /// As it was written (source_hooks::decision).
  result<void, store_error> add(std::span<const wire_header> headers, std::string_view value);
  std::uint64_t count() const { return rows_.rows(); }
  /// No more come.
  result<void, store_error> begin();
  /// In the order of uids; nullopt: there is none.
  result<std::optional<user_decisions>, store_error> next();

private:
  result<bool, store_error> read();

  row_sorter rows_;
  decision_reader reader_;
  row_bytes row_;
  /// The row that was read last.
  bool has_row_ = false;
  std::string uid_;
  std::string slot_;
  sorted_row from_;
};

} // namespace fairuse::history
