// SPDX-License-Identifier: Apache-2.0

#include "sim/quantile_curve.hpp"

#include <cmath>

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

namespace fairuse::sim {

BOOST_AUTO_TEST_SUITE(quantile_curves)

BOOST_AUTO_TEST_CASE(a_curve_goes_through_its_knots) {
  const quantile_curve curve({{0, 30'000}, {500'000'000, 762'000}, {950'000'000, 7'560'000}, {whole, 42'120'000}});
  BOOST_TEST(curve.at(0) == 30'000);
  BOOST_TEST(curve.at(500'000'000) == 762'000);
  BOOST_TEST(curve.at(950'000'000) == 7'560'000);
  BOOST_TEST(curve.at(whole) == 42'120'000);
}

BOOST_AUTO_TEST_CASE(between_knots_it_is_geometric) {
  const quantile_curve curve({{0, 1'000}, {whole, 1'000'000}});
  for (const double at : {0.1, 0.25, 0.5, 0.77, 0.9})
    BOOST_TEST(static_cast<double>(curve.at(static_cast<ppb>(at * whole))) == 1'000 * std::pow(1'000, at),
               boost::test_tools::tolerance(0.003));
}

RC_BOOST_PROP(a_curve_never_falls_and_never_leaves_its_ends, ()) {
  std::vector<quantile_knot> knots;
  std::int64_t value = *rc::gen::inRange<std::int64_t>(0, 1'000'000);
  const auto segments = *rc::gen::inRange<std::uint32_t>(1, 6);
  for (std::uint32_t i = 0; i <= segments; ++i) {
    knots.push_back({i == segments ? whole : i * (whole / segments), value});
    value += *rc::gen::inRange<std::int64_t>(0, 100'000'000);
  }
  RC_ASSERT(quantile_curve::check(knots).has_value());
  const quantile_curve curve(knots);
  std::int64_t before = knots.front().value;
  for (ppb at = 0; at < whole; at += whole / 997) {
    RC_ASSERT(curve.at(at) >= before);
    before = curve.at(at);
  }
  RC_ASSERT(before <= knots.back().value);
}

RC_BOOST_PROP(integer_square_roots_are_exact, (std::uint64_t value)) {
  const std::uint64_t root = integer_square_root(value);
  if (value == 0) {
    RC_ASSERT(root == 0U);
    return;
  }
  RC_ASSERT(root <= value / root);
  RC_ASSERT(root + 1 > value / (root + 1));
}

BOOST_AUTO_TEST_CASE(impossible_curves_are_refused) {
  BOOST_TEST(!quantile_curve::check({}).has_value());
  BOOST_TEST(!quantile_curve::check({{0, 1}}).has_value());
  BOOST_TEST(!quantile_curve::check({{1, 1}, {whole, 2}}).has_value());
  BOOST_TEST(!quantile_curve::check({{0, 1}, {whole - 1, 2}}).has_value());
  BOOST_TEST(!quantile_curve::check({{0, 2}, {whole, 1}}).has_value());
  BOOST_TEST(!quantile_curve::check({{0, 1}, {5, 1}, {5, 2}, {whole, 3}}).has_value());
  BOOST_TEST(!quantile_curve::check({{0, -1}, {whole, 3}}).has_value());
  BOOST_TEST(!quantile_curve::check({{0, 1}, {whole, 3'000'000'000}}).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse::sim
