// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to api/service. For lines of the log that many requests would write: one a second is enough.
// Threads: any.
#pragma once

#include <atomic>
#include <cstdint>

namespace fairuse {

class log_interval {
public:
  /// A second has passed since it was last true. `now`: steady.
  bool is_over(std::int64_t now_ms) {
    constexpr std::int64_t every_ms = 1'000;
    auto before = told_at_.load();
    return (before == INT64_MIN or before <= now_ms - every_ms) and told_at_.compare_exchange_strong(before, now_ms);
  }

private:
  std::atomic<std::int64_t> told_at_{INT64_MIN};
};

} // namespace fairuse
