// SPDX-License-Identifier: Apache-2.0

#include "streams/duration_counts.hpp"

#include <algorithm>

namespace fairuse {

void duration_counts::add(std::int64_t us) {
  const auto* bound = std::lower_bound(bounds_us.begin(), bounds_us.end(), us);
  ++counts[static_cast<std::size_t>(bound - bounds_us.begin())];
  sum_us += us;
}

duration_counts& duration_counts::operator+=(const duration_counts& other) {
  static_assert(sizeof(duration_counts) == sizeof(counts) + sizeof(sum_us), "add the new member below, too");
  for (std::size_t i = 0; i < counts.size(); ++i)
    counts[i] += other.counts[i];
  sum_us += other.sum_us;
  return *this;
}

} // namespace fairuse
