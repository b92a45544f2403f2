// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to api/service. How often each of many may do something: so many a second, and so many at once after a
// pause. One instant is kept for each: when the last one would be due if they came evenly. The table is of fixed size;
// where there is no room, whoever has been quiet for longest begins anew, which costs nothing after a pause.
// Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

#include "config/api_settings.hpp"

namespace fairuse {

class rate_table {
public:
  /// `entries` is rounded up to a power of two. No memory if nothing is limited.
  explicit rate_table(const request_rate& allowed, std::size_t entries = std::size_t{1} << 15);

  /// 0: one more was taken; else how long until there is one, in microseconds. `now_us`: steady.
  std::int64_t take(std::string_view who, std::int64_t now_us);
  /// The same, and none is taken.
  std::int64_t wait_us(std::string_view who, std::int64_t now_us) const;

private:
  struct entry {
    /// 0: nobody's.
    std::uint64_t key = 0;
    /// From here on all of `burst` is there.
    std::int64_t full_at_us = INT64_MIN;
  };
  static constexpr std::size_t neighbours = 8;

  std::uint64_t key_of(std::string_view who) const;
  std::size_t first_of(std::uint64_t key) const;
  std::int64_t wait_us(std::int64_t full_at_us, std::int64_t now_us) const;

  const std::int64_t interval_us_;
  const std::int64_t burst_us_;
  const std::uint64_t seed_;
  mutable std::mutex mutex_;
  std::vector<entry> entries_;
};

} // namespace fairuse
