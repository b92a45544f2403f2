// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to api. What the headers of the engine's records say (docs/topics.md).
// Pure functions.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/pure/numbers.hpp"
#include "streams/kafka/broker/cluster.hpp"

namespace fairuse {

/// Empty: there is none.
inline std::string_view header_in(const std::vector<kafka::header>& headers, std::string_view name) {
  const auto found = std::find_if(headers.begin(), headers.end(), [&](const auto& each) { return each.name == name; });
  return found == headers.end() ? std::string_view{} : found->value.value_or(std::string_view{});
}

/// `0-17-1` and `0-17-e1` are of epoch 17; 0: it is no such id.
inline std::uint64_t epoch_of_id(std::string_view id) {
  const auto first = id.find('-');
  if (first == std::string_view::npos) return 0;
  id.remove_prefix(first + 1);
  return take_number<std::uint64_t>(id).value_or(0);
}

} // namespace fairuse
