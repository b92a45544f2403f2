// SPDX-License-Identifier: Apache-2.0
//
// The laboratory: runs an experiment on worker threads, through the actors that run in production.
//
// One pass over the traffic serves all policies, since slots never influence each other. The result is a function of
// (experiment, number of simulated users) alone: it does not depend on the number of workers or on the order in which
// users finish.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/experiment.hpp"
#include "sim/tally.hpp"
#include "sim/traffic_feed.hpp"

namespace fairuse {
class shard;
}

namespace fairuse::sim {

struct run_rules;

struct laboratory_options {
  /// Threads, at least 1.
  unsigned workers = 1;
  /// Set it from any thread: the run stops after the users that it has begun.
  const std::atomic<bool>* stop = nullptr;
  /// The result lists every user, not only those who reached a stage.
  bool lists_all_users = false;
  /// The result has every decision.
  bool keeps_decisions = false;
  /// Called behind each epoch, on the worker's thread, while its users are in memory: for questions about them.
  std::function<void(const shard&)> visit;
  /// Called about ten times a second on the caller's thread, with the number of simulated users and of their events.
  std::function<void(std::uint64_t, std::uint64_t)> progress;
};

struct run_result {
  /// Stopped before the last user: the result is of users 0 .. tally.users - 1, as if there were no others.
  bool partial = false;
  run_tally tally{0, 0};
  /// The same if every request without an outcome had ended with a verdict that qualifies; nullopt: all had outcomes.
  std::optional<run_tally> if_misuse;
  /// SHA-256 over users of their decision chains per policy, hex.
  std::string digest;
  /// The same of each policy alone, in the experiment's order. It does not depend on the other policies.
  std::vector<std::string> policy_digests;
};

/// Makes a worker's feed, on that worker's thread.
using feed_maker = std::function<std::unique_ptr<traffic_feed>()>;

/// The experiment on its synthetic population.
run_result run_experiment(const experiment& what, const laboratory_options& how);
/// The experiment's policies and reviewer on any traffic of its `users` users. All steps are under `rules.in_force`.
/// `ends`: by block of users that a feed reads together, the number of the user behind it; empty: there are none.
run_result run_experiment(const run_rules& rules, const laboratory_options& how, const feed_maker& make_feed,
                          std::vector<std::uint32_t> ends = {});

} // namespace fairuse::sim
