// SPDX-License-Identifier: Apache-2.0
//
// One per partition. Takes a sealed epoch, cuts it into slices, loads absent users in bulk, hands every slice to its
// user actor, waits for all outcomes (the barrier) and returns them in uid order. Invariants: no slice is out when
// run_epoch returns to the worker; a user whose changes are not written down stays in memory; the controls in force
// change between epochs only, except for the periods that the cutter makes.
#pragma once

#include <deque>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include <caf/stateful_actor.hpp>
#include <tsl/robin_map.h>

#include "actors/interfaces.hpp"
#include "actors/slice_cutter.hpp"
#include "actors/timer_heap.hpp"
#include "actors/worker.hpp"
#include "core/permanent_ids.hpp"

namespace fairuse {

class shard_state {
public:
  static inline const char* name = "shard";

  void start(shard_actor::pointer self, user_store& store, const shard_options& options);
  void run(const epoch& sealed, const continuation& rest, epoch_result& result);
  void collect(outcome& result);

  const controls& in_force() const { return in_force_.back(); }
  const user* find(std::string_view uid) const;
  std::size_t active_users() const { return active_.size(); }
  void passivate();
  void roll_back();
  std::size_t due_users(time_ms now, std::size_t most) const { return timers_.count_due(now, most); }
  time_ms next_due() { return timers_.next(); }

private:
  struct active_user {
    std::string uid;
    user_actor actor;
    user* who = nullptr; ///< inside the actor's state
  };
  using recency = std::list<active_user>; ///< most recently active first

  void obey_commands(const epoch& sealed);
  const controls* obey(const event& command, time_ms now);
  bool begins_store(const event& command) const;
  void cut_slices(const epoch& sealed);
  void load_absent(std::span<slice> slices);
  void add_active(std::string_view uid, std::unique_ptr<user> who);
  void read_older_ids(std::span<slice> slices);
  void hand_out(std::span<const slice> slices);
  void close_epoch();
  void drop_finished();
  void drop_user(recency::iterator whom);

  shard_actor::pointer self_ = nullptr;
  user_store* store_ = nullptr;
  shard_options options_;

  /// Stable addresses: steps point at them.
  std::deque<controls> in_force_;
  std::vector<std::shared_ptr<const policy_set>> policy_sets_;
  std::vector<permanent_id> command_ids_; ///< by key
  broadcast_outcome broadcast_;
  std::vector<controls_period> periods_;

  recency by_recency_;
  /// Of users of a simulation who are gone.
  recency spare_;
  tsl::robin_map<std::string_view, recency::iterator, uid_hash> active_;
  timer_heap timers_;
  slice_cutter cutter_;

  /// Of the epoch being run.
  const epoch* sealed_ = nullptr;
  const continuation* rest_ = nullptr;
  epoch_result* result_ = nullptr;

  time_ms last_now_ = INT64_MIN;
  /// Before the last epoch, for roll_back.
  time_ms earlier_now_ = INT64_MIN;
  std::vector<slice> slices_;
  std::vector<outcome> outcomes_;
  std::deque<std::vector<older_ids>> older_;
  std::size_t outstanding_ = 0;
};

/// `*state` is set to the actor's own state, which the worker asks between epochs.
shard_actor::behavior_type run_shard(shard_actor::stateful_pointer<shard_state> self, user_store* store,
                                     const shard_options* options, shard_state** state);

} // namespace fairuse
