// SPDX-License-Identifier: Apache-2.0
#include "base/pure/base64.hpp"

#include <array>
#include <cstdint>

namespace fairuse {

namespace {

constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view base64url_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr unsigned char no_digit = 64;
using digit_values = std::array<unsigned char, 256>;

constexpr digit_values values_of(std::string_view digits) {
  digit_values values{};
  for (auto& each : values)
    each = no_digit;
  for (std::size_t i = 0; i < digits.size(); ++i)
    values[static_cast<unsigned char>(digits[i])] = static_cast<unsigned char>(i);
  return values;
}

constexpr auto base64_values = values_of(base64_digits);
constexpr auto base64url_values = values_of(base64url_digits);

/// Without padding.
std::string encoded(std::string_view bytes, std::string_view digits) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8U | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4 and k <= bytes.size() - i; ++k)
      text += digits[group >> (18 - 6 * k) & 63U];
  }
  return text;
}

std::optional<std::string> decoded(std::string_view text, const digit_values& values) {
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t group = 0;
  unsigned bits = 0;
  for (const char each : text) {
    const auto digit = values[static_cast<unsigned char>(each)];
    if (digit == no_digit) return std::nullopt;
    group = (group << 6U | digit) & 0xFFFFU;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(group >> bits & 0xFFU);
  }
  // What is left over is less than a digit, and nothing but zeros.
  if (bits >= 6 or (group & ((1U << bits) - 1)) != 0) return std::nullopt;
  return bytes;
}

} // namespace

std::string to_base64(std::string_view bytes) {
  auto text = encoded(bytes, base64_digits);
  text.append((4 - text.size() % 4) % 4, '=');
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  for (int i = 0; i < 2 and text.ends_with('='); ++i)
    text.remove_suffix(1);
  return decoded(text, base64_values);
}

std::string to_base64url(std::string_view bytes) { return encoded(bytes, base64url_digits); }

std::optional<std::string> from_base64url(std::string_view text) { return decoded(text, base64url_values); }

} // namespace fairuse
