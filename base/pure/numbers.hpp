// SPDX-License-Identifier: Apache-2.0
//
// Numbers in text. Strict: no space, no `+`, nothing behind the number, and nothing out of range.
#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>
#include <system_error>

namespace fairuse {

/// The number at the beginning of `text`, which is taken off it; nullopt: there is none, and `text` stays.
template <std::integral Number>
std::optional<Number> take_number(std::string_view& text, int base = 10) {
  Number value{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (failed != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

/// `text` as a whole number, all of it.
template <std::integral Number>
std::optional<Number> parse_number(std::string_view text, int base = 10) {
  const auto value = take_number<Number>(text, base);
  return text.empty() ? value : std::nullopt;
}

/// `text` as a decimal number, all of it.
template <std::floating_point Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{} or end != text.data() + text.size()) return std::nullopt;
  return value;
}

} // namespace fairuse
