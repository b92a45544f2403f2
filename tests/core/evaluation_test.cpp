// SPDX-License-Identifier: Apache-2.0
#include <boost/test/unit_test.hpp>

#include "tests/core/user_fixture.hpp"

using namespace fairuse;
using namespace fairuse::test;

namespace {

constexpr auto cap = 2 * hour_ms;

lines crossings(user_fixture& user) { return user.decided(decision_kind::cap_crossed); }

} // namespace

BOOST_AUTO_TEST_SUITE(evaluation)

BOOST_AUTO_TEST_CASE(a_sum_exactly_at_the_cap_triggers_nothing) {
  user_fixture user;
  user.speak(cap);
  BOOST_TEST(user.decided().empty());
  user.speak(0);
  BOOST_TEST(user.decided().empty());
  user.speak(1);
  BOOST_TEST(user.decided() == (lines{"cap_crossed daily 2h1ms/2h", "review_requested 1 daily"}));
}

BOOST_AUTO_TEST_CASE(a_cap_is_crossed_once_and_again_only_after_it_drained) {
  user_fixture user;
  user.speak(cap + 1);
  BOOST_TEST(crossings(user).size() == 1U);
  user.wait(hour_ms);
  user.speak(cap);
  BOOST_TEST(crossings(user).empty());
  user.wait(day_ms - hour_ms + second_ms); // The first bucket is out: 2 h are left, exactly at the cap.
  user.speak(0);
  BOOST_TEST(crossings(user).empty());
  user.speak(1);
  BOOST_TEST(crossings(user) == lines{"cap_crossed daily 2h1ms/2h"});
}

BOOST_AUTO_TEST_CASE(a_sum_that_stays_above_is_not_crossed_by_what_replaces_old_speech) {
  user_fixture user;
  user.speak(cap + 1);
  user.decided();
  user.wait(hour_ms);
  user.speak(cap + 1);
  user.wait(day_ms - hour_ms + minute_ms); // The first is out, the second alone exceeds.
  user.decided();
  user.speak(cap);
  BOOST_TEST(crossings(user).empty());
  user.wait(hour_ms);
  user.speak(cap); // Without this event the sum is at the cap.
  BOOST_TEST(crossings(user) == lines{"cap_crossed daily 4h/2h"});
}

BOOST_AUTO_TEST_CASE(windows_are_written_in_their_order_before_the_review) {
  user_fixture user(fair());
  user.wait(day_ms);
  user.speak(8 * hour_ms);
  user.decided();
  user.speak(2 * hour_ms + 1);
  BOOST_TEST(user.decided() == (lines{"cap_crossed 3day 10h1ms/8h", "cap_crossed weekly 10h1ms/10h"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(only_the_part_inside_a_window_crosses_it) {
  auto rules = plain();
  rules.windows = {{"hour", hour_ms, 30 * minute_ms}};
  rules.plans.clear();
  user_fixture user(rules);
  user.wait(day_ms);
  // 40 min of speech, 20 of them in the last hour.
  user.speak_segments({{0, 20 * minute_ms}, {2 * hour_ms, 2 * hour_ms + 20 * minute_ms}}, 2 * hour_ms + 30 * minute_ms);
  BOOST_TEST(user.decided().empty());
  user.speak(11 * minute_ms);
  BOOST_TEST(crossings(user) == lines{"cap_crossed hour 31m/30m"});
}

BOOST_AUTO_TEST_CASE(a_heartbeat_evaluates_and_meters_nothing) {
  user_fixture user;
  user.speak(cap + 1);
  user.answer("live-1", 0.9);
  user.decided();
  user.wait(12 * hour_ms + 1);
  user.speak(0);
  BOOST_TEST(user.decided() == lines{"review_requested 2 daily"});
  BOOST_TEST(user.sum() == cap + 1);
}

BOOST_AUTO_TEST_CASE(speech_of_a_metered_lane_evaluates_nothing) {
  for (const auto from : {lane::backfill, lane::custom}) {
    user_fixture user;
    user.speak(cap + 1);
    user.answer("live-1", 0.9);
    user.decided();
    user.wait(12 * hour_ms + 1);
    user.speak(cap, from);
    BOOST_TEST(user.decided().empty());
    user.speak(1, lane::sync);
    BOOST_TEST(user.decided() == lines{"review_requested 2 daily"});
  }
}

BOOST_AUTO_TEST_CASE(late_speech_crosses_nothing_and_makes_no_case) {
  auto rules = plain();
  rules.windows[0].span_ms = 72 * hour_ms;
  user_fixture user(rules);
  user.wait(3 * day_ms);
  user.speak(cap, lane::realtime, day_ms + 1);
  user.speak(cap);
  BOOST_TEST(user.decided().empty());
  user.speak(1, lane::realtime, day_ms);
  BOOST_TEST(crossings(user) == lines{"cap_crossed daily 2h1ms/2h"});
}

BOOST_AUTO_TEST_CASE(a_plan_has_its_own_caps_where_the_policy_names_it) {
  struct row {
    const char* plan;
    std::int64_t cap_ms;
  };
  const row rows[] = {{"basic", cap}, {"pro", cap}, {"unlimited", 4 * hour_ms}};
  for (const auto& each : rows) {
    user_fixture user;
    user.plan(each.plan);
    user.speak(each.cap_ms);
    BOOST_TEST(user.decided().empty());
    user.speak(1);
    BOOST_TEST(crossings(user).size() == 1U);
    BOOST_TEST(user.standing().windows[0].cap_ms == each.cap_ms);
  }
}

BOOST_AUTO_TEST_CASE(a_plan_that_lowers_the_cap_crosses_nothing_by_itself) {
  user_fixture user;
  user.plan("unlimited");
  user.speak(3 * hour_ms);
  user.plan("basic");
  BOOST_TEST(user.decided().empty());
  user.speak(0); // A standing excess asks without a crossing.
  BOOST_TEST(user.decided() == lines{"review_requested 1 daily"});
}

BOOST_AUTO_TEST_CASE(no_user_is_judged_while_killed_exempt_or_off_and_metering_goes_on) {
  struct row {
    const char* what;
    void (*before_it)(user_fixture&);
    void (*after_it)(user_fixture&);
    std::int64_t sum_ms;
  };
  const row rows[] = {
      {"killed", [](user_fixture& user) { user.kill(true); }, [](user_fixture& user) { user.kill(false); }, cap + 1},
      {"exempt", [](user_fixture& user) { user.exempt(true); }, [](user_fixture& user) { user.exempt(false); },
       cap + 1},
      {"off", [](user_fixture& user) { user.enable(false); }, [](user_fixture& user) { user.enable(true); }, 0},
  };
  for (const auto& each : rows)
    BOOST_TEST_CONTEXT(each.what) {
      user_fixture user;
      each.before_it(user);
      user.decided();
      user.speak(cap + 1);
      BOOST_TEST(user.decided().empty());
      BOOST_TEST(user.sum() == each.sum_ms);
      BOOST_TEST(not user.standing().windows[0].exceeded);
      each.after_it(user);
      user.decided();
      user.speak(0);
      BOOST_TEST(user.decided() == (each.sum_ms > 0 ? lines{"review_requested 1 daily"} : lines{}));
    }
}

BOOST_AUTO_TEST_CASE(switched_off_the_slot_off_runs_the_live_rules_and_enforces_nothing) {
  auto rules = plain();
  rules.off = off_rule::shadow;
  user_fixture user(rules);
  user.enable(false);
  user.speak(cap + 1);
  BOOST_TEST(user.decided() == (lines{"off: cap_crossed daily 2h1ms/2h", "off: review_requested 1 daily"}),
             boost::test_tools::per_element());
  BOOST_TEST(not user.policies->slots()[1].label.enforced);
  user.answer("off-1", 0.9);
  user.decided();
  BOOST_TEST((user.standing(1).at == stage::warning));
  // Switching on goes on from the live standing.
  user.enable(true);
  BOOST_TEST((user.standing(0).at == stage::none));
  user.speak(0);
  BOOST_TEST(user.decided() == lines{"review_requested 1 daily"});
}

BOOST_AUTO_TEST_CASE(a_decision_carries_the_sums_of_its_instant) {
  user_fixture user(fair());
  user.speak(3 * hour_ms);
  user.wait(30 * hour_ms);
  user.fire_timers();
  const auto timed_out = user.out.decisions.back();
  user.speak(hour_ms);
  BOOST_TEST((timed_out.kind == decision_kind::review_timed_out));
  BOOST_TEST(timed_out.time == monday + 30 * minute_ms + 1);
  BOOST_TEST(timed_out.sum_count == 3);
  BOOST_TEST(timed_out.sums[0] == 3 * hour_ms);
  user.set_stage(stage::warning);
  const auto& changed = user.out.decisions[user.out.decisions.size() - 2];
  BOOST_TEST(changed.sums[0] == hour_ms);
  BOOST_TEST(changed.sums[1] == 4 * hour_ms);
  BOOST_TEST(changed.cause == "e3");
}

BOOST_AUTO_TEST_SUITE_END()
