// SPDX-License-Identifier: Apache-2.0
//
// Quantiles of sorted values: always one of them.
#pragma once

#include <cstddef>
#include <vector>

namespace fairuse {

/// The value of rank ceil(percent * n / 100). REQUIRES: `sorted` ascends and is not empty, 0 < percent <= 100.
template <class Value>
const Value& quantile_of(const std::vector<Value>& sorted, std::size_t percent) {
  return sorted[(sorted.size() * percent + 99) / 100 - 1];
}

} // namespace fairuse
