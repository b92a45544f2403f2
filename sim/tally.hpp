// SPDX-License-Identifier: Apache-2.0
//
// What a run counts, per policy and cohort. All counts are integers and merges give the same result in any order (times
// to a stage are sorted before they are read), so a tally does not depend on the number of workers.
// Threads: one run_tally per worker; merge() joins them at the end.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/counters.hpp"
#include "events/decision.hpp"
#include "sim/digest.hpp"
#include "sim/stage_change.hpp"

namespace fairuse::sim {

/// All stages but `none`.
inline constexpr std::array<stage, 3> counted_stages{stage::warning, stage::throttle, stage::restrict};
inline constexpr std::size_t counted_stage_count = counted_stages.size();

/// REQUIRES: at is not `none`.
inline std::size_t index_of(stage at) { return static_cast<std::size_t>(at) - 1; }

/// One user's stages under one policy over time.
struct user_path {
  stage at = stage::none;
  time_ms since = 0;
  /// When a stage was first reached; `never`: it was not.
  std::array<time_ms, counted_stage_count> reached{never, never, never};
  std::array<std::int64_t, counted_stage_count> held_ms{};

  /// REQUIRES: a stage_changed decision, later than the ones before.
  void move(const decision& change);
  /// The run is over.
  void finish(time_ms end);
  bool hit(std::size_t counted) const { return reached[counted] != never; }
  bool hit_at_all() const { return hit(0) or hit(1) or hit(2); }
  /// The highest stage that was reached.
  stage highest() const;
};

struct stage_tally {
  std::uint64_t hits = 0;
  /// Compared with the experiment's first policy: users hit by this one alone, and by the first alone.
  std::uint64_t newly_hit = 0;
  std::uint64_t newly_spared = 0;
  std::int64_t held_ms = 0;
  /// Ms from a user's first speech; one entry per hit.
  std::vector<std::int64_t> reached_after_ms;

  void merge(const stage_tally& other);
};

struct review_tally {
  std::uint64_t cleared = 0;
  std::uint64_t strikes = 0;
  std::uint64_t failed = 0;
  std::uint64_t timed_out = 0;
  std::uint64_t ignored = 0;
  // Of requests: by what was recorded, by the reviewer model, by neither.
  std::uint64_t recorded = 0;
  std::uint64_t modelled = 0;
  std::uint64_t missing = 0;

  void add(const decision& what);
  review_tally& operator+=(const review_tally& other);
};

/// What one policy decided about one user, for people who look at cases.
struct user_trace {
  std::string uid;
  std::uint32_t group = 0;
  /// The largest sum of each window that a decision names.
  std::array<std::int64_t, windows_max> most_ms{};
  std::uint32_t strikes = 0;
  /// Of the last strike.
  std::int32_t score_nano = 0;
  usage_type type = usage_type::none;
  struct change {
    stage to = stage::none;
    time_ms at = 0;
  };
  std::vector<change> changes;

  void add(const decision& what);
};

/// A user whose highest stage is not the one under the first policy.
struct changed_user {
  std::string uid;
  std::uint32_t group = 0;
  /// Under the first policy, and under this one.
  stage base = stage::none;
  stage candidate = stage::none;
  stage_reason why;
};

/// Of one UTC day.
struct day_tally {
  std::uint64_t crossings = 0;
  std::uint64_t reviews = 0;
};

/// What a policy decided of all users, wherever they ended.
struct decision_tally {
  /// Of caps, by window.
  std::array<std::uint64_t, windows_max> crossings{};
  /// How often a ceiling was reached.
  std::uint64_t ceilings = 0;
  /// By number of the day since 1970; days without either are left out.
  std::map<std::int64_t, day_tally> days;

  void add(const decision& what);
  void merge(const decision_tally& other);
};

/// One policy's effects on one group of users.
struct group_tally {
  std::uint64_t users = 0;
  /// Hit at any stage.
  std::uint64_t hit = 0;
  std::array<stage_tally, counted_stage_count> stages;
  review_tally answers;
  slot_tally audio;

  /// `baseline` is the user's path under the first policy.
  void add(const user_path& path, const user_path& baseline, time_ms first_speech);
  void merge(const group_tally& other);
};

struct policy_tally {
  /// One per cohort.
  std::vector<group_tally> groups;
  /// Users who reached a stage, or all (laboratory_options::lists_all_users); by uid at the end.
  std::vector<user_trace> users;
  /// Users by their highest stage under the first policy, then under this one.
  std::array<std::array<std::uint64_t, stage_count>, stage_count> moved{};
  /// Whose two stages differ; by uid at the end.
  std::vector<changed_user> changed;
  decision_tally decided;
  run_digest chains;

  void merge(policy_tally&& other);
};

struct run_tally {
  std::uint64_t users = 0;
  std::uint64_t events = 0;
  std::uint64_t skipped_commands = 0;
  /// Of the users: those whose events were not decided, because nothing can follow from them. No report shows it.
  std::uint64_t certified_users = 0;
  /// Of users who were decided; of all, what reports show.
  counters counts;
  std::vector<policy_tally> policies;
  run_digest chains;
  /// A user's decisions as they were written, a line each (append_decision_chain).
  struct decided {
    std::string uid;
    std::string lines;
  };
  /// Only with laboratory_options::keeps_decisions; by uid at the end.
  std::vector<decided> decisions;

  run_tally(std::size_t policy_count, std::size_t group_count);
  void merge(run_tally&& other);
};

} // namespace fairuse::sim
