// SPDX-License-Identifier: Apache-2.0
//
// The trace that a request, or a record of Kafka, belongs to, as W3C's Trace Context says. Pure functions.
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

/// The value of a header `traceparent` for what follows from a request: what came, if it is well-formed, else one of
/// the request's own trace. REQUIRES: 32 lower-case hexadecimal digits, not all of them 0.
inline std::string traceparent_for(std::string_view trace_id, std::string_view came) {
  constexpr std::size_t parent_and_flags = 55 - 35;
  if (trace_id_of(came)) return "00-" + std::string{trace_id} + std::string{came.substr(35, parent_and_flags)};
  const auto parent = trace_id.substr(0, 16).find_first_not_of('0') == std::string_view::npos ? trace_id.substr(16)
                                                                                              : trace_id.substr(0, 16);
  return "00-" + std::string{trace_id} + "-" + std::string{parent} + "-00";
}

} // namespace fairuse
