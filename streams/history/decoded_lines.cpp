// SPDX-License-Identifier: Apache-2.0
#include "streams/history/decoded_lines.hpp"

namespace fairuse::history {

void decoded_lines::add(std::string_view text, std::uint64_t number, bool is_cut) {
  if (not is_cut) bytes_.append(text);
  ends_.push_back(bytes_.size());
  lines_.push_back({.text = {}, .number = number, .is_cut = is_cut});
}

void decoded_lines::decode() {
  bytes_.resize(bytes_.size() + wire_padding);
  std::size_t begin = 0;
  for (std::size_t i = 0; i < lines_.size(); begin = ends_[i++]) {
    auto& line = lines_[i];
    line.text = std::string_view(bytes_).substr(begin, ends_[i] - begin);
    if (not line.is_cut) line.made = decoder_.decode_padded(line.text, arena_);
  }
}

void decoded_lines::clear() {
  bytes_.clear();
  ends_.clear();
  lines_.clear();
  arena_.clear();
}

} // namespace fairuse::history
