// SPDX-License-Identifier: Apache-2.0
//
// Synthetic users beside those of a history. Their uids and cohorts begin with a prefix that no uid of the history has.
// Threads: one feed per worker.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/history_feed.hpp"
#include "sim/traffic_feed.hpp"

namespace fairuse::sim {

/// A prefix that no uid of the history has. Throws std::runtime_error where a block is damaged.
std::string free_prefix(const history::history_reader& of);

struct synthetic_users {
  /// Begins with the history.
  population people;
  std::uint32_t users = 0;
  std::uint32_t days = 0;
  std::uint64_t seed = 1;
  std::string prefix;
};

/// Adds them to `what`, which is on a history (set_captured), and to the blocks of its users.
void add_synthetic(experiment& what, const synthetic_users& made, std::vector<std::uint32_t>& ends);

/// The users of the history first, then the synthetic ones.
class mixed_feed final : public traffic_feed {
public:
  /// REQUIRES: all outlive this; `made` is added.
  mixed_feed(const history_plan& plan, const synthetic_users& made, const composition& people, const controls& in_force,
             time_ms end);

  void fill(std::uint32_t user, simulated_user& out) override;
  std::optional<std::string> id_of(std::uint32_t user, std::uint64_t key) override;
  void check() const override { recorded_.check(); }

private:
  history_feed recorded_;
  synthetic_feed synthetic_;
  const std::string* prefix_;
  std::uint32_t recorded_users_;
  std::uint32_t recorded_groups_;
};

} // namespace fairuse::sim
