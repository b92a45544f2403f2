// SPDX-License-Identifier: Apache-2.0
#include "sim/cases/case_update.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace fairuse::sim {

namespace {

/// Each with its end of line.
std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> all;
  while (not text.empty()) {
    const auto end = std::min(text.find('\n'), text.size() - 1) + 1;
    all.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return all;
}

std::string without_end(const std::string& line) { return line.substr(0, line.find_last_not_of("\r\n") + 1); }

} // namespace

result<updated_cases> update_cases(std::string_view text, std::span<const case_result> results) {
  auto lines = lines_of(text);
  const auto before = lines;
  std::vector<const compared_value*> wrong;
  for (const auto& each : results)
    for (const auto& value : each.values)
      if (not value.holds and value.can_be_expected) wrong.push_back(&value);
  // From the last of a line to the first, so that places stay.
  std::sort(wrong.begin(), wrong.end(), [](const auto* left, const auto* right) {
    return std::pair(left->value->at.line, left->value->at.column)
           > std::pair(right->value->at.line, right->value->at.column);
  });
  updated_cases made;
  for (const auto* each : wrong) {
    const auto& at = each->value->at;
    const auto column = std::size_t{at.column} - 1;
    if (at.line > lines.size()
        or lines[at.line - 1].compare(column, each->value->written.size(), each->value->written) != 0)
      return error{fmt::format("line {} has no '{}' at column {}", at.line, each->value->written, at.column)};
    lines[at.line - 1].replace(column, each->value->written.size(), each->seen);
    ++made.values;
  }
  for (std::size_t i = 0; i < lines.size(); ++i) {
    made.text += lines[i];
    if (lines[i] != before[i])
      made.diff += fmt::format("{}\n- {}\n+ {}\n", i + 1, without_end(before[i]), without_end(lines[i]));
  }
  return made;
}

} // namespace fairuse::sim
