// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to storage/history. Columns of numbers: two bytes each, little-endian, and a varint in a column of their own
// for those that need more. Most numbers of speech need two: ms of a minute, the time since the event before.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/bytes.hpp"

namespace fairuse::history {

inline constexpr std::uint16_t escape = 0xFFFF;

struct column_writer {
  std::string words;
  std::string large;

  void add(std::uint64_t value) {
    const auto word = value < escape ? static_cast<std::uint16_t>(value) : escape;
    words.push_back(static_cast<char>(word & 0xFF));
    words.push_back(static_cast<char>(word >> 8));
    if (word == escape) append_varint(large, value);
  }
  std::uint64_t size() const { return words.size() / 2; }
  void clear() {
    words.clear();
    large.clear();
  }
};

/// INVARIANT: reads nothing beyond its bytes; `ok` is false from the first number that is not there.
class column_reader {
public:
  column_reader() = default;
  column_reader(std::string_view words, std::string_view large) : words_(words), large_(large) {}

  /// Always inline: a loop over entries then holds its readers in registers.
  [[gnu::always_inline]] std::uint64_t take() {
    if (at_ + 2 > words_.size()) [[unlikely]]
      return fail();
    const auto word = static_cast<std::uint16_t>(static_cast<unsigned char>(words_[at_])
                                                 | static_cast<unsigned char>(words_[at_ + 1]) << 8);
    at_ += 2;
    if (word != escape) return word;
    std::uint64_t value = 0;
    return take_varint(large_, value) ? value : fail();
  }
  bool ok() const { return ok_; }
  /// Of what was there at first.
  std::size_t size() const { return words_.size() / 2; }
  bool at_end() const { return at_ == words_.size() and large_.empty(); }

private:
  std::uint64_t fail() {
    ok_ = false;
    return 0;
  }

  std::string_view words_;
  std::string_view large_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

} // namespace fairuse::history
