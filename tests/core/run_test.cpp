// SPDX-License-Identifier: Apache-2.0
//
// Runs of events: what the property "apply one by one = run" meets too rarely.
#include <cstdint>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "tests/core/user_fixture.hpp"
#include "tests/model/run_follower.hpp"

using namespace fairuse;
using namespace fairuse::test;

namespace {

/// A user, and one who gets the same speech in runs.
struct pair_of_users {
  user_fixture one{plain()};
  model::run_follower in_runs;

  pair_of_users() { in_runs.use(one.in_force); }

  void speak(std::int64_t ms) {
    auto said = one.make(event_kind::speech, 0);
    said.ms = static_cast<std::int32_t>(ms);
    BOOST_TEST((one.give(said) == applied::accepted));
    in_runs.add(one.now, said);
    one.wait(minute_ms);
  }

  void enable(bool on) {
    one.enable(on);
    in_runs.use(one.in_force);
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(runs)

BOOST_AUTO_TEST_CASE(speech_while_the_system_is_off_asks_for_no_review_and_counts_no_reason_for_it) {
  pair_of_users both;
  both.speak(3 * hour_ms);
  for (int i = 0; i < 5; ++i)
    both.speak(minute_ms);
  BOOST_TEST(both.one.out.counts.review_pending == 5U);
  both.enable(false);
  for (int i = 0; i < 5; ++i)
    both.speak(minute_ms);
  BOOST_TEST(both.one.out.counts.review_pending == 5U);
  BOOST_TEST(both.in_runs.difference(both.one.out) == "");
}

BOOST_AUTO_TEST_CASE(a_run_stops_behind_the_event_that_asks_for_a_review) {
  user_fixture user;
  const std::vector<time_ms> now{monday, monday + minute_ms, monday + 2 * minute_ms};
  const std::vector<std::int32_t> ms{hour_ms, 2 * hour_ms, minute_ms};
  const std::vector<run_tag> tag(3, {event_kind::speech, lane::realtime});
  event_columns run;
  run.now = run.instant = now.data();
  run.ms = ms.data();
  run.tag = tag.data();
  run.first_key = 1;
  run.count = 3;
  BOOST_TEST(apply(user.who, user.in_force, run, 0, 3, user.out) == 2U);
  BOOST_TEST(user.decided() == (lines{"cap_crossed daily 3h/2h", "review_requested 1 daily"}),
             boost::test_tools::per_element());
  BOOST_TEST(apply(user.who, user.in_force, run, 2, 3, user.out) == 3U);
}

BOOST_AUTO_TEST_SUITE_END()
