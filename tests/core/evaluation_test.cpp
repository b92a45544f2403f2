// SPDX-License-Identifier: Apache-2.0
#include <boost/test/unit_test.hpp>

#include "tests/core/world.hpp"

using namespace fairuse;
using namespace fairuse::test;

namespace {

constexpr auto cap = 2 * hour_ms;

lines crossings(world& w) { return w.told(decision_kind::cap_crossed); }

} // namespace

BOOST_AUTO_TEST_SUITE(evaluation)

BOOST_AUTO_TEST_CASE(a_sum_exactly_at_the_cap_triggers_nothing) {
  world w;
  w.speak(cap);
  BOOST_TEST(w.told().empty());
  w.speak(0);
  BOOST_TEST(w.told().empty());
  w.speak(1);
  BOOST_TEST(w.told() == (lines{"cap_crossed daily 7200001/7200000", "review_requested 1 daily"}));
}

BOOST_AUTO_TEST_CASE(a_cap_is_crossed_once_and_again_only_after_it_drained) {
  world w;
  w.speak(cap + 1);
  BOOST_TEST(crossings(w).size() == 1U);
  w.wait(hour_ms);
  w.speak(cap);
  BOOST_TEST(crossings(w).empty());
  w.wait(day_ms - hour_ms + second_ms); // The first bucket is out: 2 h are left, exactly at the cap.
  w.speak(0);
  BOOST_TEST(crossings(w).empty());
  w.speak(1);
  BOOST_TEST(crossings(w) == lines{"cap_crossed daily 7200001/7200000"});
}

BOOST_AUTO_TEST_CASE(a_sum_that_stays_above_is_not_crossed_by_what_replaces_old_speech) {
  world w;
  w.speak(cap + 1);
  w.told();
  w.wait(hour_ms);
  w.speak(cap + 1);
  w.wait(day_ms - hour_ms + minute_ms); // The first is out, the second alone exceeds.
  w.told();
  w.speak(cap);
  BOOST_TEST(crossings(w).empty());
  w.wait(hour_ms);
  w.speak(cap); // Without this event the sum is at the cap.
  BOOST_TEST(crossings(w) == lines{"cap_crossed daily 14400000/7200000"});
}

BOOST_AUTO_TEST_CASE(windows_are_told_in_their_order_before_the_review) {
  world w(fair());
  w.wait(day_ms);
  w.speak(8 * hour_ms);
  w.told();
  w.speak(2 * hour_ms + 1);
  BOOST_TEST(w.told() == (lines{"cap_crossed 3day 36000001/28800000", "cap_crossed weekly 36000001/36000000"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(only_the_part_inside_a_window_crosses_it) {
  auto p = plain();
  p.windows = {{"hour", hour_ms, 30 * minute_ms}};
  p.plans.clear();
  world w(p);
  w.wait(day_ms);
  // 40 min of speech, 20 of them in the last hour.
  w.speak_segments({{0, 20 * minute_ms}, {2 * hour_ms, 2 * hour_ms + 20 * minute_ms}}, 2 * hour_ms + 30 * minute_ms);
  BOOST_TEST(w.told().empty());
  w.speak(11 * minute_ms);
  BOOST_TEST(crossings(w) == lines{"cap_crossed hour 1860000/1800000"});
}

BOOST_AUTO_TEST_CASE(a_heartbeat_evaluates_and_meters_nothing) {
  world w;
  w.speak(cap + 1);
  w.answer("live-1", 0.9);
  w.told();
  w.wait(12 * hour_ms + 1);
  w.speak(0);
  BOOST_TEST(w.told() == lines{"review_requested 2 daily"});
  BOOST_TEST(w.sum() == cap + 1);
}

BOOST_AUTO_TEST_CASE(speech_of_a_metered_lane_evaluates_nothing) {
  for (const auto from : {lane::backfill, lane::custom}) {
    world w;
    w.speak(cap + 1);
    w.answer("live-1", 0.9);
    w.told();
    w.wait(12 * hour_ms + 1);
    w.speak(cap, from);
    BOOST_TEST(w.told().empty());
    w.speak(1, lane::sync);
    BOOST_TEST(w.told() == lines{"review_requested 2 daily"});
  }
}

BOOST_AUTO_TEST_CASE(late_speech_crosses_nothing_and_makes_no_case) {
  auto p = plain();
  p.windows[0].span_ms = 72 * hour_ms;
  world w(p);
  w.wait(3 * day_ms);
  w.speak(cap, lane::realtime, day_ms + 1);
  w.speak(cap);
  BOOST_TEST(w.told().empty());
  w.speak(1, lane::realtime, day_ms);
  BOOST_TEST(crossings(w) == lines{"cap_crossed daily 7200001/7200000"});
}

BOOST_AUTO_TEST_CASE(a_plan_has_its_own_caps_where_the_policy_names_it) {
  struct row {
    const char* plan;
    std::int64_t cap_ms;
  };
  const row rows[] = {{"basic", cap}, {"pro", cap}, {"unlimited", 4 * hour_ms}};
  for (const auto& r : rows) {
    world w;
    w.plan(r.plan);
    w.speak(r.cap_ms);
    BOOST_TEST(w.told().empty());
    w.speak(1);
    BOOST_TEST(crossings(w).size() == 1U);
    BOOST_TEST(w.look().windows[0].cap_ms == r.cap_ms);
  }
}

BOOST_AUTO_TEST_CASE(a_plan_that_lowers_the_cap_crosses_nothing_by_itself) {
  world w;
  w.plan("unlimited");
  w.speak(3 * hour_ms);
  w.plan("basic");
  BOOST_TEST(w.told().empty());
  w.speak(0); // A standing excess asks without a crossing.
  BOOST_TEST(w.told() == lines{"review_requested 1 daily"});
}

BOOST_AUTO_TEST_CASE(nobody_is_judged_while_killed_exempt_or_off_and_metering_goes_on) {
  struct row {
    const char* what;
    void (*before_it)(world&);
    void (*after_it)(world&);
    std::int64_t sum_ms;
  };
  const row rows[] = {
      {"killed", [](world& w) { w.kill(true); }, [](world& w) { w.kill(false); }, cap + 1},
      {"exempt", [](world& w) { w.exempt(true); }, [](world& w) { w.exempt(false); }, cap + 1},
      {"off", [](world& w) { w.enable(false); }, [](world& w) { w.enable(true); }, 0},
  };
  for (const auto& r : rows)
    BOOST_TEST_CONTEXT(r.what) {
      world w;
      r.before_it(w);
      w.speak(cap + 1);
      BOOST_TEST(w.told().empty());
      BOOST_TEST(w.sum() == r.sum_ms);
      BOOST_TEST(not w.look().windows[0].exceeded);
      r.after_it(w);
      w.speak(0);
      BOOST_TEST(w.told() == (r.sum_ms > 0 ? lines{"review_requested 1 daily"} : lines{}));
    }
}

BOOST_AUTO_TEST_CASE(switched_off_the_slot_off_runs_the_live_rules_and_enforces_nothing) {
  auto p = plain();
  p.off = off_rule::shadow;
  world w(p);
  w.enable(false);
  w.speak(cap + 1);
  BOOST_TEST(w.told() == (lines{"off: cap_crossed daily 7200001/7200000", "off: review_requested 1 daily"}),
             boost::test_tools::per_element());
  BOOST_TEST(not w.policies->slots()[1].label.enforced);
  w.answer("off-1", 0.9);
  w.told();
  BOOST_TEST((w.look(1).at == stage::warning));
  // Switching on goes on from the live standing.
  w.enable(true);
  BOOST_TEST((w.look(0).at == stage::none));
  w.speak(0);
  BOOST_TEST(w.told() == lines{"review_requested 1 daily"});
}

BOOST_AUTO_TEST_CASE(a_decision_carries_the_sums_of_its_instant) {
  world w(fair());
  w.speak(3 * hour_ms);
  w.wait(30 * hour_ms);
  w.tick();
  const auto timed_out = w.out.decisions.back();
  w.speak(hour_ms);
  BOOST_TEST((timed_out.kind == decision_kind::review_timed_out));
  BOOST_TEST(timed_out.time == monday + 30 * minute_ms + 1);
  BOOST_TEST(timed_out.sum_count == 3);
  BOOST_TEST(timed_out.sums[0] == 3 * hour_ms);
  w.set_stage(stage::warning);
  const auto& changed = w.out.decisions[w.out.decisions.size() - 2];
  BOOST_TEST(changed.sums[0] == hour_ms);
  BOOST_TEST(changed.sums[1] == 4 * hour_ms);
  BOOST_TEST(changed.cause == "e3");
}

BOOST_AUTO_TEST_SUITE_END()
