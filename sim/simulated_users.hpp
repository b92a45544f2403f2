// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to the laboratory: source and sink of a simulated worker. An epoch contains the whole traffic of a few
// users; rest() inserts the simulated reviewer's answers between their steps, and count() tallies the results.
//
// Answers: a policy that requests a review at instant t gets its answer at t + latency, in a step of its own, among the
// user's events by (instant, key). Answers after the stated end are never given. The run is split where an answer
// comes, so an answer costs two messages and no copy of events, however many follow.
//
// The bytes of decisions: every policy's chain is written as if the policy were live, so a chain does not depend on the
// other policies of the run or on their order.
// Threads: one object per worker; run_rules and user_queue are shared.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/worker.hpp"
#include "sim/experiment.hpp"
#include "sim/laboratory.hpp"
#include "sim/recorded_outcomes.hpp"
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
  /// By slot: index of the policy in the experiment; nullopt for `off`, whose decisions are not counted.
  std::vector<std::optional<std::size_t>> policy_of;
  /// By slot: the label that its decisions get in the chain.
  std::vector<slot_label> chain_labels;
  /// By cohort; empty: no model answers.
  std::vector<const review_profile*> profiles;
  /// A request without an outcome gets a verdict that qualifies, instead of none.
  bool assumes_misuse = false;
};

/// Users still to be simulated, in blocks, for the next free worker. Blocks are taken in order and always finished, so
/// a stopped run has simulated the first users.
class user_queue {
public:
  /// `ends`: where blocks of users that are read together end; empty: there are none.
  user_queue(std::uint32_t users, std::vector<std::uint32_t> ends, const std::atomic<bool>* stop)
    : users_(users), ends_(std::move(ends)), stop_(stop) {}

  struct block {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
  };
  std::optional<block> take();

  /// For progress reports.
  std::atomic<std::uint64_t> users_done{0};
  std::atomic<std::uint64_t> events_done{0};

private:
  std::uint32_t users_;
  std::vector<std::uint32_t> ends_;
  const std::atomic<bool>* stop_;
  std::atomic<std::uint32_t> next_{0};
};

class simulated_users {
public:
  /// REQUIRES: all of them outlive this.
  simulated_users(const run_rules& rules, traffic_feed& feed, user_queue& queue, run_tally& into,
                  const laboratory_options& how);

  /// The next users whose events have to be decided; nullopt: there are no more. Valid until the next call. Users who
  /// are certified on the way are counted.
  std::optional<epoch> seal();
  /// The next slice of a user (continuation): the steps before the next answer, or the answer in a step of its own.
  slice rest(const slice& given, const outcome& so_far);
  /// REQUIRES: `decided` is the result of the last epoch that seal() returned.
  void count(const epoch_result& decided);

private:
  struct active_user : simulated_user {
    std::uint32_t number = 0;
    recorded_outcomes recorded;
    std::size_t next_step = 0;
    std::size_t decisions_read = 0;
    /// Latest first.
    std::vector<event> answers;
    /// The answer that rest() returned last, and the step around it.
    bool answering = false;
    event answer;
    step answer_step;
    event_arena arena;
  };

  active_user& user_of(std::string_view uid);
  void note_requests(active_user& who, const outcome& so_far);
  std::optional<event> answer_to(active_user& who, const decision& request);
  event recorded_answer(active_user& who, const decision& request, const history::recorded_review& outcome);
  event modelled_answer(active_user& who, const decision& request);
  event missing_answer(active_user& who, const decision& request);
  event keep_answer(active_user& who, review_answer answer, time_ms at, const std::string& source,
                    const std::string& id);
  review_tally& answers_of(const active_user& who, std::size_t slot);
  std::size_t slot_of(const decision& what) const;
  static const controls* held_at(const active_user& who, std::size_t next, time_ms at);
  static void split(active_user& who, std::size_t number, std::size_t count);
  static std::size_t steps_before(active_user& who, const event& answer);
  void begin(active_user& who);
  void fill_epoch();
  void count_user(const active_user& who, outcome& of);
  void count_certified(const active_user& who);
  void count_decisions(const active_user& who, std::vector<decision>& decisions);
  void name_cause(const active_user& who, decision& what);
  void list(const active_user& who, std::size_t policy);
  void compare_stages(const active_user& who, std::span<const decision> decisions);

  const run_rules* rules_;
  traffic_feed* feed_;
  user_queue* queue_;
  run_tally* into_;
  const laboratory_options* how_;
  std::uint64_t epochs_ = 0;
  /// Taken, and not simulated yet.
  user_queue::block taken_;
  std::vector<active_user> users_;
  /// How many of them are in the epoch.
  std::size_t active_ = 0;
  std::vector<slice> slices_;
  /// Of a user whose events need not be decided.
  outcome certified_;
  /// By policy, of the user who is being counted.
  std::vector<std::string> chains_;
  std::vector<user_path> paths_;
  std::vector<user_trace> traces_;
  std::string lines_;
  std::vector<hashed_chain> slot_chains_;
};

} // namespace fairuse::sim
