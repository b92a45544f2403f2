// SPDX-License-Identifier: Apache-2.0
//
// Tables and lines for people, no wider than their terminal. Nothing is cut: a table that is too wide goes on below,
// where its first columns are repeated, and a line goes on in the next one, below its value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fairuse {

/// Columns of a terminal, where nothing else is known.
inline constexpr std::size_t text_width = 80;

class text_table {
public:
  enum class align : std::uint8_t { left, right };
  struct column {
    /// UTF-8; a line break begins a second line of the head.
    std::string name;
    align how = align::right;
  };

  /// `repeated`: so many first columns stand in every part.
  explicit text_table(std::vector<column> columns, std::size_t repeated = 1);

  /// REQUIRES: a cell for each column.
  void add(std::vector<std::string> cells);

  /// Every line ends with a newline; parts have an empty line between them.
  std::string text(std::size_t width = text_width) const;

private:
  std::string part(std::size_t first, std::size_t until) const;
  void add_line(std::string& out, const std::vector<std::string>& cells, std::size_t first, std::size_t until) const;

  std::vector<column> columns_;
  std::size_t repeated_;
  std::vector<std::size_t> widths_;
  std::vector<std::vector<std::string>> rows_;
};

/// One line of words as lines of at most `width`, those after the first with `indent` spaces before them; a longer word
/// is not broken. Spaces inside a line stay. No newline at the end.
std::string wrapped(std::string_view line, std::size_t indent, std::size_t width = text_width);

/// 1234567 -> 1,234,567.
std::string grouped(std::uint64_t value);

} // namespace fairuse
