// SPDX-License-Identifier: Apache-2.0
//
// One per active user: owns the user and takes its slices. The rules are in core.
#pragma once

#include <memory>

#include <caf/stateful_actor.hpp>

#include "actors/interfaces.hpp"
#include "actors/worker.hpp"

namespace fairuse {

struct user_state {
  static inline const char* name = "user";
  std::unique_ptr<user> who;
  const shard_options* options = nullptr;
};

/// Takes ownership of `who`, which the shard may read between slices as long as it holds the actor. The options are the
/// shard's.
user_actor::behavior_type run_user(user_actor::stateful_pointer<user_state> self, user* who,
                                   const shard_options* options);

/// The work of one slice, without an actor around it: tests and the actor share it.
void take_steps(user& who, const slice& what, const shard_options& options, outcome& result);

} // namespace fairuse
