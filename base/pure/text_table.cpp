// SPDX-License-Identifier: Apache-2.0
#include "base/pure/text_table.hpp"

#include <algorithm>
#include <utility>

namespace fairuse {

namespace {

constexpr std::size_t gap = 2;

/// Letters, not bytes.
std::size_t length(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string line_of(std::string_view text, std::size_t number) {
  for (; number > 0; --number) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return "";
    text.remove_prefix(end + 1);
  }
  return std::string{text.substr(0, text.find('\n'))};
}

std::size_t lines_of(std::string_view text) {
  return 1 + static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

} // namespace

text_table::text_table(std::vector<column> columns, std::size_t repeated)
  : columns_{std::move(columns)}, repeated_{repeated} {
  for (const auto& each : columns_) {
    std::size_t width = 0;
    for (std::size_t line = 0; line < lines_of(each.name); ++line)
      width = std::max(width, length(line_of(each.name, line)));
    widths_.push_back(width);
  }
}

void text_table::add(std::vector<std::string> cells) {
  for (std::size_t i = 0; i < cells.size(); ++i)
    widths_[i] = std::max(widths_[i], length(cells[i]));
  rows_.push_back(std::move(cells));
}

std::string text_table::text(std::size_t width) const {
  const auto wide = [this](std::size_t first, std::size_t until) {
    std::size_t sum = 0;
    for (auto i = first; i < until; ++i)
      sum += (i == 0 ? 0 : gap) + widths_[i];
    return sum;
  };
  std::string out;
  for (std::size_t first = repeated_; first < columns_.size();) {
    auto until = first + 1;
    while (until < columns_.size() and wide(0, repeated_) + wide(first, until + 1) <= width)
      ++until;
    if (not out.empty()) out.push_back('\n');
    out += part(first, until);
    first = until;
  }
  return out;
}

// The repeated columns, and [first, until).
std::string text_table::part(std::size_t first, std::size_t until) const {
  std::size_t head_lines = 1;
  for (std::size_t i = 0; i < until; ++i)
    if (i < repeated_ or i >= first) head_lines = std::max(head_lines, lines_of(columns_[i].name));
  std::string out;
  for (std::size_t line = 0; line < head_lines; ++line) {
    std::vector<std::string> head;
    for (const auto& each : columns_)
      head.push_back(line_of(each.name, line));
    add_line(out, head, first, until);
  }
  for (const auto& row : rows_)
    add_line(out, row, first, until);
  return out;
}

void text_table::add_line(std::string& out, const std::vector<std::string>& cells, std::size_t first,
                          std::size_t until) const {
  std::string line;
  for (std::size_t i = 0; i < until; i = i + 1 == repeated_ ? first : i + 1) {
    if (i > 0) line.append(gap, ' ');
    const std::string blanks(widths_[i] - length(cells[i]), ' ');
    line += columns_[i].how == align::left ? cells[i] + blanks : blanks + cells[i];
  }
  line.resize(line.find_last_not_of(' ') + 1);
  out += line + '\n';
}

std::string wrapped(std::string_view line, std::size_t indent, std::size_t width) {
  std::string out;
  std::string last;
  while (not line.empty()) {
    // The next word with the blanks before it.
    const auto word = std::min(line.find_first_not_of(' '), line.size());
    const auto end = std::min(line.find(' ', word), line.size());
    if (word > 0 and length(last) > indent and length(last) + length(line.substr(0, end)) > width) {
      out += last + '\n';
      last = std::string(indent, ' ').append(line.substr(word, end - word));
    } else {
      last += line.substr(0, end);
    }
    line.remove_prefix(end);
  }
  return out + last;
}

std::string grouped(std::uint64_t value) {
  auto text = std::to_string(value);
  for (auto place = static_cast<std::ptrdiff_t>(text.size()) - 3; place > 0; place -= 3)
    text.insert(static_cast<std::size_t>(place), ",");
  return text;
}

} // namespace fairuse
