// SPDX-License-Identifier: Apache-2.0
//
// A worker: one thread, one actor system on the single-threaded scheduler, and on it any number of shards with their
// user actors. The same classes run production and simulation. No CAF type shows here, so that other modules stay free
// of it.
//
// Threads: everything is called from the worker's own thread (the one that made it).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/epoch.hpp"

namespace fairuse {

/// The case reference of a user's strike.
using case_naming = std::function<std::string(std::string_view uid, std::uint32_t strike)>;

struct shard_options {
  controls start;
  std::int64_t horizon_ms = horizon_wall_ms;
  /// Owns `start.policies` and its label texts.
  std::shared_ptr<const policy_set> policies;
  /// Ids of all commands to all users that ever took effect (broadcast_outcome::new_ids).
  std::vector<permanent_id> command_ids;
  /// `now` of the last epoch before this shard was opened; INT64_MIN: none.
  time_ms last_now = INT64_MIN;
  /// Users that passivate() leaves in memory.
  std::size_t max_active_users = 1'000'000;
  /// Production: fill user::changed, keep users until passivate(). Simulation: no changes are kept, and every user is
  /// dropped when the next epoch begins.
  bool track_changes = true;
  /// Fire timers of idle users from the heap. Off in simulation, whose slices end with a step at the stated end.
  bool fires_timers = true;
  /// Commands may name strikes by it. Empty (simulation, where there is no key): no strike has a reference.
  case_naming case_of;
};

class worker;

/// One partition's users and the rules in force. REQUIRES: destroyed before its worker.
class shard {
public:
  ~shard();
  shard(const shard&) = delete;
  shard& operator=(const shard&) = delete;

  /// Carry out a sealed epoch: returns when every user's steps are taken. The result is valid until the next call.
  epoch_result run(const epoch& sealed, const continuation& rest = remaining_steps);
  /// The last epoch will not be committed: drop every user who took a slice in it, and undo what its commands and
  /// timers changed. A user who is needed again is read from the store.
  void roll_back();

  /// The controls in force now (commands of past epochs applied).
  const controls& in_force() const;

  /// A user in memory; nullptr if passivated or unknown. For queries between epochs.
  const user* find(std::string_view uid) const;
  std::size_t active_users() const;
  /// Drop the least recently active users beyond max_active_users, but never one whose changes are not written down
  /// (user::changed): a driver calls this after a commit, and commits when active_users() is over the bound.
  void passivate();
  /// Earliest due timer of all users; `never` if none.
  time_ms next_due() const;
  /// Users with a timer due at or before `now`; counts no further than `most`.
  std::size_t due_users(time_ms now, std::size_t most) const;

private:
  friend class worker;
  struct body;
  explicit shard(std::unique_ptr<body> all);
  std::unique_ptr<body> body_;
};

class worker {
public:
  worker();
  ~worker();
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  /// REQUIRES: `store` outlives the shard.
  std::unique_ptr<shard> open_shard(user_store& store, const shard_options& options);

private:
  struct body;
  std::unique_ptr<body> body_;
};

} // namespace fairuse
