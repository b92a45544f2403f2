// SPDX-License-Identifier: Apache-2.0
//
// What a run counts, per policy and cohort. Integers only, and every merge gives the same result in any order (times to
// a stage are sorted before they are read), so the number of workers never shows.
// Threads: one run_tally per worker; merge() joins them at the end.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/counters.hpp"
#include "events/decision.hpp"
#include "sim/digest.hpp"

namespace fairuse::sim {

/// The stages that hurt: warning, throttle, restrict.
inline constexpr std::array<stage, 3> counted_stages{stage::warning, stage::throttle, stage::restrict};
inline constexpr std::size_t counted_stage_count = counted_stages.size();

/// REQUIRES: at is not `none`.
inline std::size_t index_of(stage at) { return static_cast<std::size_t>(at) - 1; }

/// One user's way through the stages of one policy.
struct user_path {
  stage at = stage::none;
  time_ms since = 0;
  /// When a stage was first reached; `never`: it was not.
  std::array<time_ms, counted_stage_count> reached{never, never, never};
  std::array<std::int64_t, counted_stage_count> held_ms{};

  /// Take a stage_changed decision.
  void move(const decision& d);
  /// The run is over.
  void finish(time_ms end);
  bool hit(std::size_t counted) const { return reached[counted] != never; }
  bool hit_at_all() const { return hit(0) or hit(1) or hit(2); }
};

struct stage_tally {
  std::uint64_t hits = 0;
  /// Beside the experiment's first policy: users hit by this one alone, and by that one alone.
  std::uint64_t newly_hit = 0;
  std::uint64_t newly_spared = 0;
  std::int64_t held_ms = 0;
  /// From a user's first speech; one entry a hit.
  std::vector<std::int64_t> reached_after_ms;

  void merge(const stage_tally& other);
};

struct review_tally {
  std::uint64_t cleared = 0;
  std::uint64_t strikes = 0;
  std::uint64_t failed = 0;
  std::uint64_t timed_out = 0;
  std::uint64_t ignored = 0;

  void add(const decision& d);
  review_tally& operator+=(const review_tally& other);
};

/// One policy's marks on one group of users.
struct group_tally {
  std::uint64_t users = 0;
  /// Hit at any stage.
  std::uint64_t hit = 0;
  std::array<stage_tally, counted_stage_count> stages;
  review_tally answers;
  slot_tally audio;

  void add(const user_path& path, const user_path& beside, time_ms first_speech);
  void merge(const group_tally& other);
};

struct policy_tally {
  /// One per cohort.
  std::vector<group_tally> groups;
  run_digest chains;
};

struct run_tally {
  std::uint64_t users = 0;
  std::uint64_t events = 0;
  counters counts;
  std::vector<policy_tally> policies;
  run_digest chains;

  run_tally(std::size_t policy_count, std::size_t group_count);
  void merge(run_tally&& other);
};

} // namespace fairuse::sim
