// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to the laboratory: which recorded outcome answers a request of a replay. An outcome answers one request of a
// slot: the nearest one within the cooldown, the earlier of two that are as near.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "storage/history/history_block.hpp"

namespace fairuse::sim {

class recorded_outcomes {
public:
  /// Of another user. `all` by instant (recorded_review::at).
  void begin_user(std::span<const history::recorded_review* const> all, std::size_t slots);
  /// Nullptr: none is recorded within `cooldown_ms` of the request.
  const history::recorded_review* take(std::size_t slot, time_ms requested_at, std::int64_t cooldown_ms);

private:
  std::span<const history::recorded_review* const> all_;
  /// By slot, then by outcome.
  std::vector<bool> used_;
};

} // namespace fairuse::sim
