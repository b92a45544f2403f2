// SPDX-License-Identifier: Apache-2.0
//
// Scenarios in which core and the naive model once disagreed, as RapidCheck shrank them. Core was wrong in each.
#include <boost/test/unit_test.hpp>

#include "tests/model/scenario.hpp"

using namespace fairuse;
using model::scenario;
using model::verb;

BOOST_AUTO_TEST_SUITE(regressions)

BOOST_AUTO_TEST_CASE(a_restriction_names_its_sum_and_cap) {
  const scenario shrunk{false,
                        false,
                        {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
                        {{{0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}}},
                        {{verb::speak, 0, 1, 0}, {verb::speak, 0, 1, 0}}};
  BOOST_TEST(model::compare(shrunk) == "");
}

BOOST_AUTO_TEST_CASE(an_older_hour_of_ids_is_there_when_its_duplicate_comes_first_in_an_hour) {
  const scenario shrunk{false,
                        false,
                        {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
                        {},
                        {{verb::speak_late, 0, 0, 4}, {verb::repeat, 12, 0, 0}}};
  BOOST_TEST(model::compare(shrunk) == "");
}

BOOST_AUTO_TEST_CASE(a_promoted_policy_lets_go_what_it_would_not_hold) {
  const scenario shrunk{false,
                        false,
                        {{0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
                        {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}}},
                        {{verb::speak, 15, 9, 0}, {verb::speak, 15, 0, 0}, {verb::promote, 6, 0, 0}}};
  BOOST_TEST(model::compare(shrunk) == "");
}

BOOST_AUTO_TEST_SUITE_END()
