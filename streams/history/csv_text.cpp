// SPDX-License-Identifier: Apache-2.0
#include "streams/history/csv_text.hpp"

#include <algorithm>

namespace fairuse::history {

namespace {

constexpr std::size_t record_bytes_max = std::size_t{1} << 20;

} // namespace

void csv_splitter::begin() {
  count_ = 0;
  bytes_ = 0;
  is_open_ = false;
}

std::string& csv_splitter::next_field() {
  if (count_ == fields_.size()) fields_.emplace_back();
  auto& made = fields_[count_++];
  made.clear();
  return made;
}

bool csv_splitter::take_quoted(std::string_view line, std::size_t& at) {
  auto& field = fields_[count_ - 1];
  for (;;) {
    const auto quote = line.find('"', at);
    field.append(line.substr(at, quote == std::string_view::npos ? quote : quote - at));
    if (quote == std::string_view::npos) return false;
    at = quote + 1;
    if (at == line.size() or line[at] != '"') return true;
    field.push_back('"');
    ++at;
  }
}

csv_splitter::state csv_splitter::take(std::string_view line) {
  bytes_ += line.size() + 1;
  std::size_t at = 0;
  if (is_open_) fields_[count_ - 1].push_back('\n');
  for (;;) {
    if (not is_open_) {
      auto& field = next_field();
      is_open_ = at < line.size() and line[at] == '"';
      if (is_open_) {
        ++at;
      } else {
        const auto end = std::min(line.find(',', at), line.size());
        field = line.substr(at, end - at);
        if (field.find('"') != std::string::npos) return state::invalid;
        at = end;
      }
    }
    if (is_open_) {
      if (not take_quoted(line, at)) return state::open;
      is_open_ = false;
      if (at < line.size() and line[at] != ',') return state::invalid;
    }
    if (at == line.size()) return state::whole;
    ++at;
  }
}

result<csv_records::state> csv_records::next(bool has_line) {
  splitter_.begin();
  for (bool is_first = true;; is_first = false) {
    if (not has_line) {
      const auto there = from_.next();
      if (not there) return there.error();
      if (not *there) return is_first ? state::end : state::unclosed;
    }
    has_line = false;
    if (is_first) line_ = from_.number();
    if (is_first and from_.is_blank()) return state::blank;
    if (from_.is_cut()) return state::too_large;
    const auto then = splitter_.take(from_.line());
    if (then == csv_splitter::state::whole) return state::record;
    if (then == csv_splitter::state::invalid) return state::invalid;
    if (splitter_.bytes() > record_bytes_max) return state::unclosed;
  }
}

} // namespace fairuse::history
