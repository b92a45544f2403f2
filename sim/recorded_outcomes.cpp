// SPDX-License-Identifier: Apache-2.0
#include "sim/recorded_outcomes.hpp"

#include <cstdlib>

namespace fairuse::sim {

void recorded_outcomes::begin_user(std::span<const history::recorded_review* const> all, std::size_t slots) {
  all_ = all;
  used_.assign(all.size() * slots, false);
}

const history::recorded_review* recorded_outcomes::take(std::size_t slot, time_ms requested_at,
                                                        std::int64_t cooldown_ms) {
  auto nearest = all_.size();
  for (std::size_t i = 0; i < all_.size(); ++i) {
    if (used_[slot * all_.size() + i] or all_[i]->ended == history::recorded_review::ending::open) continue;
    const auto distance = std::abs(all_[i]->at() - requested_at);
    if (distance > cooldown_ms) continue;
    if (nearest == all_.size() or distance < std::abs(all_[nearest]->at() - requested_at)) nearest = i;
  }
  if (nearest == all_.size()) return nullptr;
  used_[slot * all_.size() + nearest] = true;
  return all_[nearest];
}

} // namespace fairuse::sim
