// SPDX-License-Identifier: Apache-2.0
//
// Text as editors write it into files, control characters, the case of ASCII letters, whatever the locale, and a number
// to sort by.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace fairuse {

/// What an editor may put before UTF-8; no part of the text.
inline constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

constexpr std::string_view without_byte_order_mark(std::string_view text) {
  return text.substr(text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0);
}

/// The value that a file holds alone, such as a key or a password: without a mark before it and line ends after it.
constexpr std::string_view value_alone(std::string_view text) {
  text = without_byte_order_mark(text);
  return text.substr(0, text.find_last_not_of("\r\n") + 1);
}

constexpr char lower(char letter) {
  return letter >= 'A' and letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

inline std::string lower(std::string text) {
  for (auto& each : text)
    each = lower(each);
  return text;
}

inline bool equal_ignoring_case(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](char one, char other) { return lower(one) == lower(other); });
}

/// Below U+0020, or U+007F.
constexpr bool has_control(std::string_view text) {
  bool found = false;
  for (const char c : text)
    found |= static_cast<unsigned char>(c) < 0x20 or c == 0x7f;
  return found;
}

/// For lines that people read: what came from outside moves no cursor.
inline std::string without_control(std::string text) {
  for (auto& each : text)
    if (has_control({&each, 1})) each = '?';
  return text;
}

/// The first eight characters as a number that compares as they do; a shorter text is filled up with zeros.
inline std::uint64_t leading_number(std::string_view text) {
  std::array<unsigned char, sizeof(std::uint64_t)> bytes{};
  std::memcpy(bytes.data(), text.data(), std::min(text.size(), bytes.size()));
  std::uint64_t number = 0;
  for (const auto byte : bytes)
    number = number << 8 | byte;
  return number;
}

} // namespace fairuse
