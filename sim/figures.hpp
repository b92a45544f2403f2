// SPDX-License-Identifier: Apache-2.0
//
// What a finished run shows: rates with intervals, harm, savings, differences between policies. The table, the report
// and the guards read these figures and nothing else.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/experiment.hpp"
#include "sim/laboratory.hpp"
#include "sim/statistics.hpp"

namespace fairuse::sim {

/// `hits` of `users`, and the exact 95 % interval of the underlying rate.
struct proportion {
  std::uint64_t hits = 0;
  std::uint64_t users = 0;
  interval between;

  /// nullopt: there are no users.
  std::optional<double> rate() const;
};

proportion proportion_of(std::uint64_t hits, std::uint64_t users);

/// Between what a rate would be if the users who are not labelled were all in its favour, and all against it. nullopt:
/// it would have no users.
struct bracket {
  std::optional<double> lower;
  std::optional<double> upper;
};

/// A policy should hit less than this share of legitimate users.
inline constexpr double false_positive_bar = 0.01;

struct stage_figures {
  /// Users hit, by truth.
  std::array<proportion, truth_count> hit;
  /// Legitimate users among the hit ones. Exhausted users count as neither legitimate nor misuse.
  proportion false_discovery;
  /// Misusers who were not hit.
  proportion missed;
  /// On legitimate users, against false_positive_bar.
  evidence below_bar = evidence::not_enough;
  /// By truth: users hit by this policy and not by the first, users hit by the first and not by this one, and p of an
  /// exact McNemar test.
  struct difference {
    std::uint64_t newly_hit = 0;
    std::uint64_t newly_spared = 0;
    double p_value = 1;
  };
  std::array<difference, truth_count> against_first;
  /// Of users with and without a label: legitimate ones hit, legitimate ones among the hit ones, misusers hit.
  bracket fpr_of_all;
  bracket fdr_of_all;
  bracket caught_of_all;
};

/// What cannot be counted is not 0: STT where the traffic has none, misuse and harm where no user is labelled so.
using known_ms = std::optional<std::int64_t>;

/// In micro-units; nullopt as in known_ms.
struct money_figures {
  std::optional<std::int64_t> stt;
  std::optional<std::int64_t> saved;
  std::optional<std::int64_t> saved_by_economy;
  std::int64_t reviews = 0;
};

struct policy_figures {
  const policy* rules = nullptr;
  std::string chain_digest;
  /// By cohort, and merged by truth.
  const std::vector<group_tally>* cohorts = nullptr;
  const policy_tally* tally = nullptr;
  std::array<group_tally, truth_count> groups;
  std::array<stage_figures, counted_stage_count> stages;
  /// Misusers who reached no stage.
  proportion missed;
  review_tally answers;
  /// Requests that a model had to answer, and verdicts that needed none.
  std::uint64_t reviews = 0;
  std::uint64_t synthetic = 0;
  /// Is STT known, and what depends on it? Are uploads that were refused, which a budget of STT decides, too?
  bool knows_stt = true;
  bool knows_uploads = true;
  /// Of all users.
  known_ms stt_ms;
  known_ms stt_blocked_ms;
  known_ms upload_refused_ms;
  known_ms stt_economy_ms;
  /// STT that was blocked and uploads that were refused: of misusers, of legitimate users, of exhausted ones.
  known_ms saved_ms;
  known_ms harm_ms;
  known_ms exhausted_ms;
  std::optional<money_figures> money;
  /// Users hit at each stage, all groups, if every request without an outcome had qualified; nullopt: all had one.
  std::optional<std::array<std::uint64_t, counted_stage_count>> hits_if_misuse;

  /// Users hit at a stage, all groups.
  std::uint64_t hits(std::size_t counted) const;
  /// Cap crossings, all windows.
  std::uint64_t crossings() const;
};

/// Commands of a history that are left out, because they answered what other policies had decided.
std::uint64_t skipped_commands(const experiment& what, const run_result& result);

/// Users of all groups who were hit at a stage.
std::uint64_t hits_of(const std::vector<group_tally>& groups, std::size_t counted);

struct guard_figures {
  const guard* of = nullptr;
  std::string policy;
  /// Where reviews have no outcome: not_enough_data unless it is the same however they had ended.
  guard_outcome outcome = guard_outcome::holds;
};

/// Users whose truth is known, of all.
struct label_coverage {
  std::uint64_t labelled = 0;
  std::uint64_t users = 0;
};

struct run_figures {
  std::vector<policy_figures> policies;
  label_coverage labels;
  std::vector<guard_figures> guards;

  /// The worst outcome of a guard: fails, then not_enough_data, then holds.
  guard_outcome outcome() const;
};

/// REQUIRES: both outlive the figures.
run_figures figures_of(const experiment& what, const run_result& result);

} // namespace fairuse::sim
