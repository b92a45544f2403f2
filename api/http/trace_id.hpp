// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to api/http. The trace that a request belongs to, as W3C's Trace Context says. Pure functions.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "base/pure/hex.hpp"

namespace fairuse {

/// The trace id of a header `traceparent` (version-trace-parent-flags); nullopt: it is malformed, so it is ignored.
inline std::optional<std::string> trace_id_of(std::string_view traceparent) {
  constexpr std::string_view shape = "00-00000000000000000000000000000000-0000000000000000-00";
  const auto known = traceparent.substr(0, shape.size());
  const auto fits = [](char letter, char wanted) {
    return wanted == '-' ? letter == '-' : hex_digits.find(letter) != std::string_view::npos;
  };
  if (not std::equal(known.begin(), known.end(), shape.begin(), shape.end(), fits)) return std::nullopt;
  // A later version may say more, behind another `-`.
  const auto more = traceparent.substr(shape.size());
  const auto version = known.substr(0, 2);
  if (version == "ff" or (version == "00" and not more.empty()) or (not more.empty() and more.front() != '-'))
    return std::nullopt;
  const auto trace = known.substr(3, 32);
  const auto parent = known.substr(36, 16);
  const auto is_zero = [](std::string_view digits) { return digits.find_first_not_of('0') == std::string_view::npos; };
  if (is_zero(trace) or is_zero(parent)) return std::nullopt;
  return std::string{trace};
}

} // namespace fairuse
