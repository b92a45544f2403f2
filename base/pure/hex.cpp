// SPDX-License-Identifier: Apache-2.0
#include "base/pure/hex.hpp"

namespace fairuse {

namespace {

std::string written_with(std::string_view digits, std::string_view bytes) {
  std::string text;
  text.reserve(2 * bytes.size());
  for (const char each : bytes) {
    const auto byte = static_cast<unsigned char>(each);
    text.push_back(digits[byte >> 4U]);
    text.push_back(digits[byte & 0xFU]);
  }
  return text;
}

int value_of(char digit) {
  if (digit >= '0' and digit <= '9') return digit - '0';
  return digit >= 'a' and digit <= 'f' ? digit - 'a' + 10 : -1;
}

} // namespace

std::string to_hex(std::string_view bytes) { return written_with(hex_digits, bytes); }

std::string to_upper_hex(std::string_view bytes) { return written_with("0123456789ABCDEF", bytes); }

std::string to_hex(std::uint64_t value) {
  std::string text(16, '0');
  for (std::size_t i = 0; i < text.size(); ++i)
    text[text.size() - 1 - i] = hex_digits[value >> (4 * i) & 0xFU];
  return text;
}

std::optional<std::string> from_hex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(digits.size() / 2);
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const auto high = value_of(digits[i]);
    const auto low = value_of(digits[i + 1]);
    if (high < 0 or low < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(static_cast<unsigned char>(high << 4 | low)));
  }
  return bytes;
}

} // namespace fairuse
