// SPDX-License-Identifier: Apache-2.0
//
// Numbers on the command line: decimal digits, no sign but a minus, no exponent, no leading zero, in range. CLI11 alone
// reads 010 as octal, wraps -1 in unsigned options and takes an empty text for 0.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/pure/numbers.hpp"

namespace fairuse::cli {

template <class Number>
std::optional<Number> strict_number(std::string_view text) {
  const auto digits = text.substr(text.starts_with('-') ? 1 : 0);
  const bool has_other = digits.find_first_not_of("0123456789.") != std::string_view::npos;
  if (digits.empty() or has_other or digits.front() == '.' or digits.back() == '.') return std::nullopt;
  if (digits.size() > 1 and digits[0] == '0' and digits[1] != '.') return std::nullopt;
  return parse_number<Number>(text);
}

/// Every option that is a number has this check.
template <class Number>
CLI::Validator number_between(Number least, Number most) {
  const auto wanted = fmt::format("a {}number from {} to {}", std::is_integral_v<Number> ? "whole " : "", least, most);
  const auto check = [=](const std::string& text) {
    const auto number = strict_number<Number>(text);
    // Not a number (nan) is in no range.
    const bool fits = number and *number >= least and *number <= most;
    return fits ? std::string() : fmt::format("'{}' is not {}", text, wanted);
  };
  return {check, fmt::format("{} to {}", least, most)};
}

} // namespace fairuse::cli
