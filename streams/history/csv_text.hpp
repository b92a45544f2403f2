// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to streams/history. CSV as RFC 4180 has it: fields between commas, and in quotes where they hold commas,
// quotes (doubled) or line ends.
// Threads: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "streams/history/input_lines.hpp"

namespace fairuse::history {

/// Splits the record that a line begins, which may go on in further lines.
class csv_splitter {
public:
  enum class state : std::uint8_t {
    whole,   ///< the fields are there
    open,    ///< a quoted field goes on in the next line
    invalid, ///< a quote within a field that is not quoted, or text behind a closing quote
  };

  void begin();
  state take(std::string_view line);
  /// Valid until begin(). REQUIRES: whole.
  std::span<const std::string> fields() const { return {fields_.data(), count_}; }
  std::size_t bytes() const { return bytes_; }

private:
  std::string& next_field();
  /// From behind an opening quote, or the begin of a line within quotes, to behind the closing quote.
  bool take_quoted(std::string_view line, std::size_t& at);

  std::vector<std::string> fields_;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
  bool is_open_ = false;
};

/// The next record of a file that is not blank.
class csv_records {
public:
  explicit csv_records(input_lines& from) : from_(from) {}

  enum class state : std::uint8_t { record, blank, invalid, unclosed, too_large, end };
  /// REQUIRES: `has_line` says that the first line was read already.
  result<state> next(bool has_line = false);
  std::span<const std::string> fields() const { return splitter_.fields(); }
  /// Where the record begins.
  std::uint64_t line() const { return line_; }

private:
  input_lines& from_;
  csv_splitter splitter_;
  std::uint64_t line_ = 0;
};

} // namespace fairuse::history
