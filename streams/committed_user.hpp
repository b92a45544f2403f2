// SPDX-License-Identifier: Apache-2.0
//
// A question about one user to a running engine, and its answer: what the last committed epoch left.
// Threads: plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/policy_set.hpp"
#include "core/user.hpp"

namespace fairuse {

/// Valid inside the call that brings it.
struct committed_user {
  /// Bound to in_force.policies; a fresh one if nothing is known of the user.
  const user& who;
  const controls& in_force;
  /// Of the partition's last committed epoch.
  time_ms now = 0;
  std::uint64_t epoch = 0;
  std::int32_t partition = 0;
  /// Since this process has decided on the partition.
  std::int64_t owned_for_ms = 0;
  /// The newest rows of the user's own log (streams/user_log.hpp), oldest first.
  std::function<std::vector<std::string>(std::size_t most)> log;
};

struct user_question {
  std::string uid;
  /// The answer is the owner's: where the last commit is not young, an epoch is committed first, so nobody else can
  /// have decided on the partition meanwhile.
  bool as_owner = false;
  /// Called once, on any thread; must be cheap. Nullptr: this process cannot say now, because the partition is
  /// another's, is being taken over, or its last epoch is not known to be committed.
  std::function<void(const committed_user*)> told;
};

/// STT of a committed epoch was used under this lease.
struct lease_use {
  std::string uid;
  std::string lease;
};

} // namespace fairuse
