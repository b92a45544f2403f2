// SPDX-License-Identifier: Apache-2.0
//
// An experiment: traffic x policies x seed, and the guards on its figures. config/experiments/README.md documents the
// file, sim/experiment_file.hpp reads it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/policy.hpp"
#include "sim/guard.hpp"
#include "sim/population.hpp"
#include "sim/reviewer.hpp"

namespace fairuse::sim {

inline constexpr std::size_t policies_max = 512;
/// A uid has seven digits (uid_of): uids must sort as their numbers do.
inline constexpr std::uint32_t users_max = 10'000'000;

/// In micro-units of `currency`.
struct price_list {
  std::string currency = "USD";
  std::int64_t stt_minute = 0;
  /// STT of the cheaper model.
  std::int64_t economy_minute = 0;
  std::int64_t review = 0;
};

/// SHA-256 of what an experiment was read from, hex.
struct experiment_inputs {
  std::string experiment;
  std::string population;
  std::string reviewer;
};

/// The history that an experiment file names, and what belongs to it.
struct named_history {
  std::string file;
  /// CSV; empty: the history's own labels.
  std::string labels;
  bool keeps_switches = false;
  /// The file has a population for synthetic users beside it, too.
  bool has_population = false;
  /// How many days these speak; nullopt: as long as the history.
  std::optional<std::uint32_t> days;
};

/// Captured traffic, in place of a population's or beside it.
struct captured_traffic {
  /// Of the history, without its folder.
  std::string file;
  /// history_reader::digest().
  std::string digest;
  /// `now` of its last event: timers fire up to here.
  time_ms end = 0;
  bool arrivals_known = false;
  /// On and off as it was recorded; otherwise the system is on.
  bool keeps_switches = false;
  /// Promotions of policies, which are left out.
  std::uint64_t skipped_promotions = 0;
  /// A bit per event_kind that it could hold.
  std::uint32_t kinds = 0;
  /// Beside it; their uids and cohorts begin with the prefix.
  std::uint32_t synthetic_users = 0;
  std::string synthetic_prefix;
};

struct experiment {
  std::string name;
  population people;
  reviewer_model reviewer;
  std::uint32_t users = 20'000;
  std::uint32_t days = 30;
  std::uint64_t seed = 1;
  std::int64_t retention_ms = 8 * day_ms;
  /// Side by side on the same traffic; the others are compared with the first. Distinct names, 1 .. policies_max.
  std::vector<policy> policies;
  std::vector<guard> guards;
  /// To be opened before the run, and then `captured`.
  std::optional<named_history> from;
  /// Then `people` has its labels as cohorts, those of synthetic users behind them, and nothing else.
  std::optional<captured_traffic> captured;
  std::optional<price_list> prices;
  experiment_inputs inputs;

  /// False: the traffic could not hold such events, so that what follows from them is not known.
  bool knows(event_kind kind) const {
    return not captured or (captured->kinds >> static_cast<unsigned>(kind) & 1) != 0;
  }

  /// The stated end of the simulation: no local day of the run ends later, in any time zone. Timers fire up to here;
  /// later arrivals are left out.
  time_ms end() const { return captured ? captured->end : people.start + (std::int64_t{days} + 1) * day_ms; }
};

/// The name by which a reviewer model knows a cohort of `in`.
std::string_view reviewed_as(const cohort& of, const experiment& in);

/// How far back a policy looks.
std::int64_t longest_span_ms(const policy& rules);

/// Why `rules` cannot be added to the policies of `in`, a sentence; empty: it can.
std::string why_not_added(const policy& rules, const experiment& in);

} // namespace fairuse::sim
