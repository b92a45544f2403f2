// SPDX-License-Identifier: Apache-2.0
//
// A history decided once more as it was recorded: the policies, switches, commands and answers of its deployment, in
// all slots. What comes out is what the deployment wrote, without `id`, `source`, epoch and case.
//
// The result does not depend on the number of workers.
// Threads: those that it makes; callbacks come on the caller's.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "base/pure/result.hpp"
#include "sim/digest.hpp"
#include "sim/recorded_controls.hpp"
#include "sim/recorded_users.hpp"
#include "storage/history/history_file.hpp"

namespace fairuse::sim {

struct recorded_replay_options {
  /// Threads, at least 1.
  unsigned workers = 1;
  /// Set it from any thread: the replay stops after the blocks that it has begun.
  const std::atomic<bool>* stop = nullptr;
  /// Called after every block: users and events so far.
  std::function<void(std::uint64_t users, std::uint64_t events)> progress;
  /// Names strikes by their case; see shard_options.
  case_naming case_of;
};

struct recorded_slot {
  std::uint64_t decisions = 0;
  /// Of the users' decision chains, as a simulation's report has it for a policy.
  std::string digest;
};

struct recorded_result {
  /// Of all slots together.
  std::string digest;
  /// By name; `*`: what was decided for all users.
  std::map<std::string, recorded_slot> slots;
  /// With those of whom only a state is known.
  std::uint64_t users = 0;
  std::uint64_t events = 0;
  /// Stopped before the last user.
  bool partial = false;
};

struct recorded_failure {
  enum class kind : std::uint8_t {
    damaged, ///< a block of the history, which is named
    cannot,  ///< what is recorded cannot be replayed by this build
  } what = kind::cannot;
  std::string message;
};

/// Gets every user in the order of uids, `*` among them if anything was decided for it. False: no more is wanted.
using recorded_sink = std::function<bool(const user_decisions& decided)>;

result<recorded_result, recorded_failure> replay_as_recorded(const history::history_reader& from,
                                                             const recorded_controls& under,
                                                             const recorded_replay_options& how,
                                                             const recorded_sink& sink);

} // namespace fairuse::sim
