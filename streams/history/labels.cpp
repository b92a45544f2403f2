// SPDX-License-Identifier: Apache-2.0
#include "streams/history/labels.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "streams/history/csv_text.hpp"
#include "streams/history/input_lines.hpp"

namespace fairuse::history {

namespace {

constexpr std::array<std::string_view, 3> truths{"legitimate", "misuse", "exhausted"};

file_failure unusable(const input_lines& from, std::uint64_t line, std::string_view says) {
  return {file_fault::unusable, fmt::format("{}:{}: {}", from.name(), line, says)};
}

struct label_columns {
  std::size_t uid = 0;
  std::size_t label = 0;
  std::size_t width = 0;
};

std::optional<label_columns> columns_of(std::span<const std::string> header) {
  const auto uid = std::find(header.begin(), header.end(), "uid");
  const auto label = std::find(header.begin(), header.end(), "label");
  if (uid == header.end() or label == header.end()) return std::nullopt;
  return label_columns{static_cast<std::size_t>(uid - header.begin()), static_cast<std::size_t>(label - header.begin()),
                       header.size()};
}

/// Place of the row's label; the error says what is wrong.
result<std::uint32_t> label_of(std::span<const std::string> row, const label_columns& at) {
  if (row.size() != at.width) return error{fmt::format("{} fields under a header of {}", row.size(), at.width)};
  if (row[at.uid].empty()) return error{"the uid is empty"};
  const auto found = std::find(truths.begin(), truths.end(), row[at.label]);
  if (found != truths.end()) return static_cast<std::uint32_t>(found - truths.begin());
  return error{fmt::format("'{}' is no label; there are {}", row[at.label], fmt::join(truths, ", "))};
}

} // namespace

std::vector<user_label> known_labels() {
  std::vector<user_label> all;
  for (const auto each : truths)
    all.push_back({std::string(each), std::string(each)});
  return all;
}

result<labels_by_user, file_failure> read_labels(const std::string& file, std::function<bool()> stopped) {
  const auto opened = input_lines::open(file, std::move(stopped));
  if (not opened) return file_failure{file_fault::unusable, opened.error().message};
  auto& from = **opened;
  csv_records rows(from);
  std::optional<label_columns> columns;
  labels_by_user known;
  for (;;) {
    const auto next = rows.next();
    if (not next) return file_failure{file_fault::failed, next.error().message};
    if (from.was_stopped()) return file_failure{file_fault::stopped, std::string(pack_stopped)};
    if (*next == csv_records::state::blank) continue;
    if (*next == csv_records::state::end) break;
    if (*next != csv_records::state::record) return unusable(from, rows.line(), "it cannot be read as a row of a CSV");
    const auto row = rows.fields();
    if (not columns) {
      columns = columns_of(row);
      if (not columns) return unusable(from, rows.line(), "the header of labels has the columns uid and label");
      continue;
    }
    const auto label = label_of(row, *columns);
    if (not label) return unusable(from, rows.line(), label.error().message);
    if (known.emplace(row[columns->uid], *label).first->second != *label)
      return unusable(from, rows.line(), "the user has another label in a line before");
  }
  if (not columns) return file_failure{file_fault::unusable, fmt::format("{} has no line", from.name())};
  return known;
}

result<std::uint64_t, file_failure> add_labels(const std::string& file, packer& to, std::function<bool()> stopped) {
  const auto known = read_labels(file, std::move(stopped));
  if (not known) return known.error();
  for (const auto& [uid, label] : *known)
    if (const auto added = to.add_label(uid, label); not added)
      return file_failure{file_fault::failed, added.error().message};
  return known->size();
}

} // namespace fairuse::history
