// SPDX-License-Identifier: Apache-2.0

#include "sim/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

namespace fairuse::sim {

namespace {

/// P(X <= hits) of `trials` trials with probability p, term by term.
double tail(std::uint64_t hits, std::uint64_t trials, double p) {
  const auto n = static_cast<double>(trials);
  double sum = 0;
  for (std::uint64_t i = 0; i <= hits; ++i) {
    const auto k = static_cast<double>(i);
    sum += std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) + k * std::log(p)
                    + (n - k) * std::log1p(-p));
  }
  return sum;
}

} // namespace

BOOST_AUTO_TEST_SUITE(statistics)

BOOST_AUTO_TEST_CASE(no_hit_among_368_users_shows_a_rate_below_one_percent) {
  // With no hit the upper end is 1 - 0.025^(1/n).
  BOOST_TEST(clopper_pearson(0, 368).upper < 0.01);
  BOOST_TEST(clopper_pearson(0, 367).upper > 0.01);
  BOOST_TEST(clopper_pearson(0, 368).upper == 1 - std::pow(0.025, 1.0 / 368), boost::test_tools::tolerance(1e-9));
  BOOST_TEST(clopper_pearson(0, 100).upper == 0.0362167, boost::test_tools::tolerance(1e-5));
  BOOST_TEST(trials_needed(0.01) == 368U);
}

BOOST_AUTO_TEST_CASE(intervals_agree_with_published_tables) {
  struct row {
    std::uint64_t hits;
    std::uint64_t trials;
    double lower;
    double upper;
  };
  // R: binom.test(x, n)$conf.int
  for (const row& each : {row{1, 10, 0.002528579, 0.4450161}, row{5, 10, 0.1870860, 0.8129140},
                          row{10, 100, 0.04900469, 0.1762226}, row{10, 10, 0.6915029, 1}}) {
    const interval got = clopper_pearson(each.hits, each.trials);
    BOOST_TEST(got.lower == each.lower, boost::test_tools::tolerance(1e-5));
    BOOST_TEST(got.upper == each.upper, boost::test_tools::tolerance(1e-5));
  }
  BOOST_TEST(clopper_pearson(0, 0).lower == 0.0);
  BOOST_TEST(clopper_pearson(0, 0).upper == 1.0);
}

RC_BOOST_PROP(at_the_ends_of_an_interval_the_tails_hold_a_fortieth, ()) {
  const auto trials = *rc::gen::inRange<std::uint64_t>(2, 3'000);
  const auto hits = *rc::gen::inRange<std::uint64_t>(1, trials);
  const interval of = clopper_pearson(hits, trials);
  RC_ASSERT(std::abs(tail(hits, trials, of.upper) - 0.025) < 1e-6);
  RC_ASSERT(std::abs(1 - tail(hits - 1, trials, of.lower) - 0.025) < 1e-6);
}

BOOST_AUTO_TEST_CASE(mcnemar_is_twice_the_smaller_binomial_tail) {
  BOOST_TEST(mcnemar(0, 0) == 1.0);
  BOOST_TEST(mcnemar(0, 5) == 0.0625, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(mcnemar(5, 5) == 1.0);
  BOOST_TEST(mcnemar(1, 9) == 2 * 11.0 / 1024, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(mcnemar(9, 1) == mcnemar(1, 9));
}

RC_BOOST_PROP(mcnemar_agrees_with_a_summed_binomial_tail, ()) {
  const auto first = *rc::gen::inRange<std::uint64_t>(0, 200);
  const auto second = *rc::gen::inRange<std::uint64_t>(0, 200);
  const double expected = std::min(1.0, 2 * tail(std::min(first, second), first + second, 0.5));
  RC_ASSERT(std::abs(mcnemar(first, second) - expected) < 1e-9);
}

BOOST_AUTO_TEST_CASE(too_little_data_says_so) {
  BOOST_TEST((compare(0, 100, 0.01) == evidence::not_enough));
  BOOST_TEST((compare(0, 368, 0.01) == evidence::below));
  BOOST_TEST((compare(50, 100, 0.01) == evidence::above));
  BOOST_TEST((compare(0, 0, 0.01) == evidence::not_enough));
  BOOST_TEST((compare(1, trials_needed(0.01, 1), 0.01) == evidence::below));
  BOOST_TEST((compare(1, trials_needed(0.01, 1) - 1, 0.01) == evidence::not_enough));
}

RC_BOOST_PROP(quantiles_of_a_histogram_are_within_a_hundredth, ()) {
  auto values = *rc::gen::nonEmpty(
      rc::gen::container<std::vector<std::int64_t>>(rc::gen::inRange<std::int64_t>(0, 1'000'000'000)));
  histogram whole_one;
  histogram even;
  histogram odd;
  for (std::size_t i = 0; i < values.size(); ++i) {
    whole_one.add(values[i]);
    (i % 2 == 0 ? even : odd).add(values[i]);
  }
  odd.merge(even);
  std::sort(values.begin(), values.end());
  for (const std::uint64_t at : {0ULL, 1ULL, 250'000'000ULL, 500'000'000ULL, 990'000'000ULL, 1'000'000'000ULL}) {
    const std::uint64_t rank = std::max<std::uint64_t>(1, (at * values.size() + 999'999'999) / 1'000'000'000);
    const std::int64_t exact = values[rank - 1];
    const std::int64_t got = whole_one.quantile(static_cast<std::uint32_t>(at)).value();
    RC_ASSERT(got == odd.quantile(static_cast<std::uint32_t>(at)).value());
    RC_ASSERT(std::abs(got - exact) * 100 <= exact);
  }
  RC_ASSERT(*whole_one.least() == values.front());
  RC_ASSERT(*whole_one.most() == values.back());
}

BOOST_AUTO_TEST_CASE(small_values_are_exact_and_an_empty_histogram_has_no_quantiles) {
  histogram values;
  BOOST_TEST(!values.quantile(500'000'000).has_value());
  BOOST_TEST(!values.most().has_value());
  for (std::int64_t value = 0; value < 256; ++value)
    values.add(value, 3);
  BOOST_TEST(values.quantile(500'000'000).value() == 127);
  BOOST_TEST(values.count() == 768U);
  BOOST_TEST(values.sum() == 255 * 128 * 3);
  values.add(INT64_MAX / 4);
  BOOST_TEST(values.quantile(1'000'000'000).value() == INT64_MAX / 4);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse::sim
