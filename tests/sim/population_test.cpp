// SPDX-License-Identifier: Apache-2.0

#include "sim/population.hpp"

#include <array>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "tests/sim/laboratory_fixture.hpp"

namespace fairuse::sim {

using testing::shipped_population;

namespace {

/// By band of the curve: the share of a cohort's ranks that fall into it, counted over evenly spread ranks.
std::vector<double> shares_of_ranks(const composition& of, std::uint32_t cohort, std::uint32_t ranks) {
  const auto& bands = of.people().bands;
  std::vector<double> counts(bands.size());
  for (std::uint32_t i = 0; i < ranks; ++i) {
    const auto rank = static_cast<std::uint32_t>((std::uint64_t{i} << 32) / ranks);
    const ppb at = of.quantile(cohort, rank);
    std::size_t band = 0;
    while (at >= bands[band].until)
      ++band;
    counts[band] += 1.0 / ranks;
  }
  return counts;
}

double width(const population& of, std::size_t band) {
  const ppb from = band == 0 ? 0 : of.bands[band - 1].until;
  return static_cast<double>(of.bands[band].until - from) / whole;
}

std::string problem_of(const std::string& text) {
  yaml::diagnostics problems{"p.yaml"};
  const auto root = yaml::parse(text, problems);
  BOOST_TEST(!(root && read_population(*root, problems)));
  return problems.text();
}

} // namespace

BOOST_AUTO_TEST_SUITE(populations)

BOOST_AUTO_TEST_CASE(the_shipped_population_has_every_kind_of_user) {
  const population& people = shipped_population();
  std::array<int, truth_count> labels{};
  for (const cohort& each : people.cohorts)
    ++labels[static_cast<std::size_t>(each.label)];
  BOOST_TEST(labels[0] == 5);
  BOOST_TEST(labels[1] == 5);
  BOOST_TEST(labels[2] == 1);
  BOOST_TEST(people.start == 1'772'323'200'000);
}

BOOST_AUTO_TEST_CASE(cohorts_partition_the_curve) {
  const population& people = shipped_population();
  const composition of(people, 1);
  // The part of a cohort's ranks in a band equals the cohort's share of it, so all cohorts together fill each band
  // once.
  std::vector<double> filled(people.bands.size());
  for (std::uint32_t cohort = 0; cohort < people.cohorts.size(); ++cohort) {
    double mass = 0;
    for (std::size_t band = 0; band < people.bands.size(); ++band)
      mass += width(people, band) * people.bands[band].shares[cohort] / 1000;
    const auto counts = shares_of_ranks(of, cohort, 100'000);
    for (std::size_t band = 0; band < people.bands.size(); ++band) {
      BOOST_TEST(std::abs(counts[band] * mass - width(people, band) * people.bands[band].shares[cohort] / 1000)
                 < 1e-4 * mass);
      filled[band] += counts[band] * mass;
    }
  }
  for (std::size_t band = 0; band < people.bands.size(); ++band)
    BOOST_TEST(filled[band] == width(people, band), boost::test_tools::tolerance(1e-3));
}

BOOST_AUTO_TEST_CASE(ranks_rise_with_the_curve) {
  const composition of(shipped_population(), 1);
  for (std::uint32_t cohort = 0; cohort < shipped_population().cohorts.size(); ++cohort) {
    ppb before = 0;
    for (std::uint64_t rank = 0; rank < 1ULL << 32; rank += 1ULL << 20) {
      const ppb at = of.quantile(cohort, static_cast<std::uint32_t>(rank));
      BOOST_REQUIRE(at >= before);
      before = at;
    }
    BOOST_TEST(of.quantile(cohort, UINT32_MAX) <= whole);
  }
}

BOOST_AUTO_TEST_CASE(the_heaviest_days_belong_to_misuse_six_times_in_ten) {
  const population& people = shipped_population();
  std::uint32_t misuse = 0;
  for (std::size_t cohort = 0; cohort < people.cohorts.size(); ++cohort)
    misuse += people.cohorts[cohort].label == truth::misuse ? people.bands.back().shares[cohort] : 0;
  BOOST_TEST(misuse == 600U);
}

BOOST_AUTO_TEST_CASE(a_few_thousand_users_already_have_the_composition) {
  for (const std::uint64_t seed : {1ULL, 2ULL, 99ULL}) {
    const composition of(shipped_population(), seed);
    std::vector<double> users(shipped_population().cohorts.size());
    constexpr std::uint32_t total = 5'000;
    for (std::uint32_t user = 0; user < total; ++user)
      users[of.traits(user).cohort] += 1;
    for (std::uint32_t cohort = 0; cohort < users.size(); ++cohort) {
      const double expected = std::ldexp(static_cast<double>(of.user_share(cohort)), -64) * total;
      BOOST_TEST(std::abs(users[cohort] - expected) < 3);
    }
  }
}

BOOST_AUTO_TEST_CASE(uids_sort_as_their_numbers_do) {
  BOOST_TEST(uid_of(0) == "u0000000");
  BOOST_TEST(uid_of(42) == "u0000042");
  BOOST_TEST(uid_of(9'999'999) == "u9999999");
}

BOOST_AUTO_TEST_CASE(local_days_begin_at_local_midnight_and_never_before_the_start) {
  const composition of(shipped_population(), 1);
  for (const std::int64_t hours : {-12, -8, 0, 1, 9, 14}) {
    user_traits traits;
    traits.zone_ms = hours * hour_ms;
    const time_ms begin = of.day_begin(traits, 0);
    BOOST_TEST(begin >= shipped_population().start);
    BOOST_TEST(begin < shipped_population().start + day_ms);
    BOOST_TEST((begin + traits.zone_ms) % day_ms == 0);
    BOOST_TEST(of.day_begin(traits, 3) == begin + 3 * day_ms);
  }
}

BOOST_AUTO_TEST_CASE(mistakes_in_a_population_are_named) {
  const std::string one_cohort =
      "name: tiny\nstart: 2026-03-01\ndaily_speech: {0: 1m, 1: 2h}\n"
      "cohorts:\n  - {name: all, label: legitimate, rhythm: meetings, weekday: 0.5, weekend: 0.5, "
      "session: {0: 1m, 1: 1h}, categories: [work], titles: [Call]}\n";
  yaml::diagnostics problems{"p.yaml"};
  const auto root = yaml::parse(one_cohort + "bands: [{until: 1, shares: {all: 1}}]\n", problems);
  BOOST_TEST(read_population(root.value(), problems).has_value());
  BOOST_TEST(problems.text() == "");

  const auto contains = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  };
  BOOST_TEST(contains(problem_of(one_cohort + "bands: [{until: 1, shares: {all: 0.9}}]\n"), "add up to 0.9"));
  BOOST_TEST(contains(problem_of(one_cohort + "bands: [{until: 0.9, shares: {all: 1}}]\n"), "does not end at 1"));
  BOOST_TEST(contains(problem_of(one_cohort + "bands: [{until: 1, shares: {al: 1}}]\n"), "did you mean 'all'"));
  BOOST_TEST(contains(problem_of(one_cohort), "bands"));
  for (const std::string day : {"2026-02-30", "2026-04-31", "2025-02-29", "1999-12-31", "2100-01-01", "2026-3-01"}) {
    auto text = one_cohort;
    text.replace(text.find("2026-03-01"), 10, day);
    BOOST_TEST(contains(problem_of(text), "'" + day + "' is no day from 2000-01-01 to 2099-12-31"));
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse::sim
