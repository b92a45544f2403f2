// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to streams/history. The lines of a file or of standard input, one after the other, in bounded memory. Line
// ends are LF or CRLF; a byte order mark at byte 0 is skipped.
// Threads: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/pure/result.hpp"

namespace fairuse::history {

class input_lines {
public:
  /// `file`: `-` is standard input. `stopped`: asked again and again, also while a pipe is silent; empty: never.
  static result<std::unique_ptr<input_lines>> open(const std::string& file, std::function<bool()> stopped);
  ~input_lines();
  input_lines(const input_lines&) = delete;
  input_lines& operator=(const input_lines&) = delete;

  /// False: there is none, or it was stopped.
  result<bool> next();

  /// wire_padding bytes behind it are readable. Valid until the next call. REQUIRES: next().
  std::string_view line() const { return line_; }
  /// Nothing but spaces.
  bool is_blank() const { return line_.find_first_not_of(" \t\r") == std::string_view::npos; }
  /// It is longer than line_bytes_max, and this is its beginning.
  bool is_cut() const { return is_cut_; }
  /// From 1.
  std::uint64_t number() const { return number_; }
  bool was_stopped() const { return was_stopped_; }
  std::uint64_t bytes_read() const { return bytes_read_; }
  /// A regular file, by its name.
  bool can_be_read_again() const { return can_be_read_again_; }
  /// For people.
  const std::string& name() const { return name_; }

  static constexpr std::size_t line_bytes_max = std::size_t{16} << 20;

private:
  input_lines() = default;
  bool is_stopped();
  result<std::size_t> read_some(char* to, std::size_t size);
  result<bool> fill();
  result<void> skip_to_line_end();

  std::string name_;
  std::function<bool()> stopped_;
  int descriptor_ = -1;
  bool is_regular_ = false;
  bool can_be_read_again_ = false;
  bool was_stopped_ = false;
  bool at_end_ = false;
  std::vector<char> memory_;
  /// What was read and not handed out: [begin_, end_).
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t bytes_read_ = 0;
  std::uint64_t number_ = 0;
  std::string_view line_;
  bool is_cut_ = false;
};

} // namespace fairuse::history
