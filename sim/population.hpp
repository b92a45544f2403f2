// SPDX-License-Identifier: Apache-2.0
//
// The users of a simulation. A population is a daily-speech curve, divided into bands, and cohorts that share each
// band: at every quantile the shares of the cohorts add up to one, so the speech of all user-days together follows the
// curve, whatever the cohorts are. The number of users of a cohort follows from its share of the curve and from how
// often it speaks.
//
// Composition is stratified: user numbers go through the population in golden-ratio increments from an offset that the
// seed gives. A few hundred users already have the curve's shape, and a user depends only on (seed, number), never on
// the number of users.
// Threads: a population is immutable once `check` has accepted it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/pure/result.hpp"
#include "events/event.hpp"
#include "sim/quantile_curve.hpp"
#include "sim/random.hpp"
#include "sim/rhythm/rhythm.hpp"

namespace fairuse::sim {

/// The true kind of a user, which decisions are compared with.
enum class truth : std::uint8_t {
  legitimate = 0,
  misuse = 1,
  exhausted = 2,  ///< used up a free plan: to be limited, but not misuse
  unlabelled = 3, ///< not known: captured traffic alone
};
inline constexpr std::size_t truth_count = 4;

std::string_view to_text(truth value);

struct plan_mix {
  /// Share of users on the free plan and on the unlimited one; the rest pays for the ordinary plan.
  ppm free = 0;
  ppm unlimited = 0;
  /// Share of users who pay as soon as the free minutes are used up; the others are exhausted.
  ppm upgrades_at_once = always;
  /// Share of the exhausted ones who pay some days later.
  ppm upgrades_late = 0;
};

struct cohort {
  std::string name;
  truth label = truth::legitimate;
  /// The usage type that a correct review names.
  usage_type usage = usage_type::none;
  rhythm_kind rhythm = rhythm_kind::meetings;
  /// Chance that a day of the week has speech, Sunday first.
  std::array<ppm, 7> speaks_on{};
  /// How far a day may differ from the user's own level, as a share of the cohort's whole range. 1'000'000: days are
  /// independent of each other.
  ppm day_to_day = 0;
  /// Local times between which sessions lie if they fit.
  std::int64_t opens_ms = 0;
  std::int64_t closes_ms = day_ms;
  /// Ms of speech of one session.
  quantile_curve session;
  /// Sessions of a user are of nearly equal length.
  bool equal_sessions = false;
  /// Share of users who upload part of their sessions instead of streaming them.
  ppm uploads = 0;
  plan_mix plans;
  std::vector<std::string> categories;
  std::vector<std::string> titles;
};

/// One segment of the daily-speech curve, up to `until` (exclusive), and the cohorts that share it.
struct band {
  ppb until = 0;
  /// Per cohort, in 1/1000; they add up to 1000.
  std::vector<std::uint32_t> shares;
};

/// Transport faults between a device and the engine.
struct fault_rates {
  /// Speech and STT events sent a second time.
  ppm duplicates = 0;
  quantile_curve duplicate_delay;
  /// Realtime sessions that were offline and arrive all at once afterwards.
  ppm offline = 0;
  quantile_curve offline_delay;
  /// Share of an uploader's sessions that are uploaded, and how long after their end.
  ppm upload_sessions = 0;
  quantile_curve upload_delay;
};

struct time_zone_share {
  std::int64_t offset_ms = 0;
  std::uint32_t weight = 0;
};

struct credit_rules {
  std::string free_plan = "basic";
  std::string paid_plan = "plus";
  std::string unlimited_plan = "unlimited";
  /// Free speech per calendar month (UTC).
  std::int64_t monthly_ms = 1200 * minute_ms;
};

struct population {
  std::string name;
  /// Midnight UTC of the first day.
  time_ms start = 0;
  quantile_curve daily_speech;
  std::vector<band> bands;
  std::vector<cohort> cohorts;
  std::vector<time_zone_share> time_zones;
  fault_rates faults;
  credit_rules credits;

  /// The error says what is wrong with it.
  result<void> check() const;

  const cohort* find(std::string_view cohort_name) const;
};

/// `u0000042`: zero-padded, so that uids sort as their numbers do.
std::string uid_of(std::uint32_t user);

/// Traits that a user keeps for the whole run.
struct user_traits {
  std::uint32_t cohort = 0;
  /// Rank within the cohort, in 2^-32.
  std::uint32_t level = 0;
  std::int64_t zone_ms = 0;
  bool free = false;
  bool unlimited = false;
  bool uploader = false;
  bool upgrades_at_once = false;
  bool upgrades_late = false;
  /// From the end of a minute of speech to its arrival.
  std::int32_t lag_ms = 0;
  /// Length of each session where they are equal, else 0.
  std::int64_t session_ms = 0;
};

/// Maps user numbers to cohorts, and ranks within a cohort to daily speech.
class composition {
public:
  /// REQUIRES: of.check() has no error; `of` outlives this.
  composition(const population& of, std::uint64_t seed);

  const population& people() const { return *people_; }
  std::uint64_t seed() const { return seed_; }

  user_traits traits(std::uint32_t user) const;

  /// Quantile of the whole population at `rank` (in 2^-32) of a cohort.
  ppb quantile(std::uint32_t cohort, std::uint32_t rank) const;

  /// Ms of speech of the user on local day `day` (0 is the first); 0: none.
  /// `random` is the day's stream, at its beginning.
  std::int64_t daily_speech_ms(const user_traits& traits, std::uint32_t day, random_stream& random) const;

  /// Share of users in a cohort, in 2^-64.
  std::uint64_t user_share(std::uint32_t cohort) const;

  /// UTC instant at which a user's local day begins. Local day 0 is the first that begins at or after the start.
  time_ms day_begin(const user_traits& traits, std::uint32_t day) const;

private:
  /// A cohort's share of one band.
  struct band_share {
    /// Where it begins within the cohort, in 1e-9 * 1/1000 of all user-days.
    std::uint64_t from_mass = 0;
    ppb from = 0;
    std::uint32_t share = 0;
  };
  struct cohort_shares {
    std::vector<band_share> bands;
    std::uint64_t mass = 0;
    /// The cohort has the users whose place in the population (in 2^-64) is below this and not below the previous
    /// cohort's.
    std::uint64_t until = 0;
  };

  const population* people_;
  std::uint64_t seed_;
  std::uint64_t offset_;
  std::vector<cohort_shares> cohorts_;
};

} // namespace fairuse::sim
