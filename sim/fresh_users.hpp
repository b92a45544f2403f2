// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to the laboratory: a store in which every user is new. It never reads a user back: a simulated user's whole
// traffic is one epoch, and conformance cases keep their users in memory.
// Threads: stateless.
#pragma once

#include "core/epoch.hpp"

namespace fairuse::sim {

class fresh_users final : public user_store {
public:
  std::vector<std::unique_ptr<user>> load(std::span<const std::string_view> uids, const policy_set& policies,
                                          time_ms now) override {
    std::vector<std::unique_ptr<user>> users;
    users.reserve(uids.size());
    for (std::size_t i = 0; i < uids.size(); ++i) {
      users.push_back(std::make_unique<user>());
      bind(*users.back(), policies, now);
    }
    return users;
  }
  older_ids load_ids(std::string_view, hour_number hour) override { return {hour, {}}; }
  std::vector<std::pair<time_ms, std::string>> due_users() override { return {}; }
};

} // namespace fairuse::sim
