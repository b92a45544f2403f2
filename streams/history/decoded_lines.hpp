// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to streams/history. Some lines of NDJSON and what they say. They are copies: while they are decoded on
// another thread, their file is read on. Operation: add() until full(), decode(), then all() until clear(). Threads:
// one at a time.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "events/wire.hpp"

namespace fairuse::history {

struct decoded_line {
  std::string_view text;
  /// In its file, from 1.
  std::uint64_t number = 0;
  /// Too long: it was not decoded.
  bool is_cut = false;
  result<wire_event, refused> made = refused{};
};

class decoded_lines {
public:
  void add(std::string_view text, std::uint64_t number, bool is_cut);
  bool full() const { return bytes_.size() >= bytes_wanted or lines_.size() >= lines_wanted; }
  bool empty() const { return lines_.empty(); }
  void decode();
  std::span<const decoded_line> all() const { return lines_; }
  /// Memory is kept for the next lines.
  void clear();

private:
  static constexpr std::size_t bytes_wanted = std::size_t{1} << 20;
  static constexpr std::size_t lines_wanted = 8'192;

  std::string bytes_;
  /// Where each line ends.
  std::vector<std::size_t> ends_;
  std::vector<decoded_line> lines_;
  wire_decoder decoder_;
  event_arena arena_;
};

} // namespace fairuse::history
