// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to the laboratory: source and sink of a simulated worker. An epoch holds the whole traffic of a few users;
// rest() hands over the simulated reviewer's answers between their steps, and count() tallies what came of it.
//
// Answers: a policy that asks at instant t gets its answer at t + latency, in a step of its own, among the user's
// events by (instant, key). Answers after the stated end never come. The steps before an answer are handed over as a
// part of the user's own array, so an answer costs two messages and no copy, however long the future is.
//
// The bytes of decisions: every policy's chain is written as if the policy were live, so a chain does not tell with
// whom a policy shared the run, nor in which place it stood.
// Threads: one object per worker; run_rules and user_queue are shared.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/worker.hpp"
#include "sim/experiment.hpp"
#include "sim/tally.hpp"
#include "sim/traffic_feed.hpp"

namespace fairuse::sim {

/// What all workers of a run share. Immutable.
struct run_rules {
  /// REQUIRES: `what` outlives this.
  explicit run_rules(const experiment& what);
  run_rules(const run_rules&) = delete;
  run_rules& operator=(const run_rules&) = delete;

  shard_options options() const;

  const experiment* of;
  std::shared_ptr<const policy_set> policies;
  controls in_force;
  time_ms end;
  /// By slot: index of the policy in the experiment; nothing for `off`, which never judges here.
  std::vector<std::optional<std::size_t>> policy_of;
  /// By slot: the label under which its decisions are written down.
  std::vector<slot_label> written_as;
  /// By cohort.
  std::vector<const review_profile*> profiles;
};

/// Users still to be simulated, in blocks, for whoever is free. They go in order, and a block that was taken is always
/// finished; so the users of a run that was stopped are the first ones.
class user_queue {
public:
  user_queue(std::uint32_t users, const std::atomic<bool>* stop) : users_(users), stop_(stop) {}

  struct block {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
  };
  std::optional<block> take();

  /// For whoever watches.
  std::atomic<std::uint64_t> users_done{0};
  std::atomic<std::uint64_t> events_done{0};

private:
  std::uint32_t users_;
  const std::atomic<bool>* stop_;
  std::atomic<std::uint32_t> next_{0};
};

class simulated_users {
public:
  /// REQUIRES: all of them outlive this.
  simulated_users(const run_rules& rules, traffic_feed& feed, user_queue& queue, run_tally& into);

  /// The next users; nothing: there are no more. Valid until the next call.
  std::optional<epoch> seal();
  /// What is left for a user (continuation): the steps before the next answer, or the answer in a step of its own.
  slice rest(const slice& given, const outcome& so_far);
  /// REQUIRES: of the epoch that seal() gave last.
  void count(const epoch_result& decided);

private:
  struct active_part : user_part {
    std::size_t next_step = 0;
    std::size_t decisions_read = 0;
    /// Latest first.
    std::vector<event> answers;
    /// The answer that is out, and the step around it.
    bool answering = false;
    event answer;
    step answer_step;
    event_arena arena;
  };

  active_part& part_of(std::string_view uid);
  void note_requests(active_part& part, const outcome& so_far);
  event answer_to(active_part& part, const decision& request);
  std::size_t steps_before(const active_part& part, const event& answer) const;
  void count_user(const active_part& part, outcome& of);
  void count_decisions(const active_part& part, std::vector<decision>& decisions);

  const run_rules* rules_;
  traffic_feed* feed_;
  user_queue* queue_;
  run_tally* into_;
  std::uint64_t epochs_ = 0;
  std::vector<active_part> parts_;
  std::size_t active_ = 0;
  std::vector<slice> slices_;
  /// By policy, of the user in hand.
  std::vector<std::string> chains_;
  std::vector<user_path> paths_;
  std::vector<slot_chain> written_;
};

} // namespace fairuse::sim
