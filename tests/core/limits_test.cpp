// SPDX-License-Identifier: Apache-2.0
//
// Hard caps, ceiling and the STT budget.
#include <boost/test/unit_test.hpp>

#include "tests/core/world.hpp"

using namespace fairuse;
using namespace fairuse::test;

namespace {

policy with_budget() {
  auto p = plain();
  p.budget.per_utc_day_ms = 30 * minute_ms;
  return p;
}

policy with_ceiling() {
  auto p = plain();
  p.ceiling.cap_ms = 30 * hour_ms;
  p.windows[0].cap_ms = 100 * hour_ms;
  p.plans.clear();
  return p;
}

std::string number(std::int64_t value) { return std::to_string(value); }

} // namespace

BOOST_AUTO_TEST_SUITE(limits)

BOOST_AUTO_TEST_CASE(in_restrict_a_sum_above_its_cap_blocks_until_it_drained) {
  world w;
  w.speak(hour_ms);
  w.wait(hour_ms);
  w.speak(hour_ms + 1);
  w.told();
  w.set_stage(stage::restrict);
  // 1 ms has to leave: the first bucket does, 24 h and 1 s after its start.
  BOOST_TEST(w.told().back()
             == "restriction_engaged hard stage_reached 7200001/7200000 +" + number(23 * hour_ms + second_ms));
  BOOST_TEST(w.look().hard_restricted);
  BOOST_TEST(w.look().retry_at == monday + day_ms + second_ms);
  w.now = monday + day_ms + 999;
  w.tick();
  w.told();
  BOOST_TEST(w.look().hard_restricted);
  w.wait(1);
  BOOST_TEST(not w.look().hard_restricted);
  w.wait(day_ms / 2); // Late, and it says when.
  w.tick();
  BOOST_TEST(w.told() == lines{"restriction_lifted hard drained @" + number(day_ms + second_ms)});
}

BOOST_AUTO_TEST_CASE(more_speech_delays_a_drain_and_its_timer_may_come_early) {
  world w;
  w.speak(2 * hour_ms + 1);
  w.set_stage(stage::restrict);
  w.wait(hour_ms);
  w.speak(2 * hour_ms + 1);
  w.told();
  w.now = monday + 25 * hour_ms + 500;
  w.tick();
  BOOST_TEST(w.told(decision_kind::restriction_lifted).empty());
  w.wait(hour_ms);
  w.tick();
  BOOST_TEST(w.told() == lines{"restriction_lifted hard drained @" + number(25 * hour_ms + second_ms)});
}

BOOST_AUTO_TEST_CASE(a_plan_with_higher_caps_lifts_or_shortens_a_restriction) {
  world w;
  w.speak(3 * hour_ms);
  w.set_stage(stage::restrict);
  w.told();
  w.plan("unlimited");
  BOOST_TEST(w.told() == lines{"restriction_lifted hard plan_changed"});
  world heavy;
  heavy.speak(3 * hour_ms);
  heavy.wait(hour_ms);
  heavy.speak(3 * hour_ms);
  heavy.set_stage(stage::restrict);
  heavy.plan("unlimited"); // 6 h: still above 4 h, but the first 3 h suffice.
  heavy.told();
  heavy.wait(3 * day_ms);
  heavy.tick();
  BOOST_TEST(heavy.told(decision_kind::restriction_lifted)
             == lines{"restriction_lifted hard drained @" + number(day_ms + second_ms)});
}

BOOST_AUTO_TEST_CASE(hard_caps_are_the_plans_or_the_base_ones) {
  for (const auto rule : {hard_caps::plan, hard_caps::base}) {
    auto p = plain();
    p.hard = rule;
    world w(p);
    w.plan("unlimited");
    w.speak(2 * hour_ms + 1);
    w.told();
    w.set_stage(stage::restrict);
    BOOST_TEST(w.told(decision_kind::restriction_engaged).size() == (rule == hard_caps::base ? 1U : 0U));
    BOOST_TEST(w.look().hard_restricted == (rule == hard_caps::base));
  }
}

BOOST_AUTO_TEST_CASE(retry_is_when_it_drains_or_the_stages_deadline) {
  for (const auto rule : {hard_retry::drain, hard_retry::deadline}) {
    auto p = plain();
    p.retry = rule;
    world w(p);
    w.speak(3 * hour_ms);
    w.set_stage(stage::restrict);
    const auto until = rule == hard_retry::drain ? day_ms + second_ms : 30 * day_ms;
    BOOST_TEST(w.told(decision_kind::restriction_engaged)
               == lines{"restriction_engaged hard stage_reached 10800000/7200000 +" + number(until)});
    BOOST_TEST(w.look().retry_at == monday + until);
  }
}

BOOST_AUTO_TEST_CASE(of_several_windows_all_have_to_drain) {
  world w(fair());
  w.speak(9 * hour_ms);
  w.told();
  w.set_stage(stage::restrict);
  // Daily and 3day are above; 3day drains last. The evidence is the first of them.
  BOOST_TEST(w.told(decision_kind::restriction_engaged)
             == lines{"restriction_engaged hard stage_reached 32400000/7200000 +" + number(72 * hour_ms + second_ms)});
}

BOOST_AUTO_TEST_CASE(speech_in_restrict_engages_and_the_stages_end_lifts) {
  world w;
  w.set_stage(stage::restrict);
  w.speak(2 * hour_ms);
  w.told();
  w.speak(1);
  BOOST_TEST(w.told().back() == "restriction_engaged hard cap_exceeded 7200001/7200000 +" + number(day_ms + second_ms));
  w.now = monday + 30 * day_ms;
  w.speak(3 * hour_ms);
  w.told();
  w.wait(1);
  w.tick();
  BOOST_TEST(w.told()
                 == (lines{"stage_changed restrict>throttle stage_ended +604800000 @2592000001",
                           "restriction_lifted hard stage_ended @2592000001"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_ceiling_is_reached_at_the_cap_and_0_is_off) {
  struct row {
    std::int64_t cap_ms;
    bool refuses;
    std::int64_t spoken_ms;
    bool holds;
  };
  const row rows[] = {{30 * hour_ms, true, 30 * hour_ms - 1, false},
                      {30 * hour_ms, true, 30 * hour_ms, true},
                      {0, true, 50 * hour_ms, false},
                      {30 * hour_ms, false, 50 * hour_ms, false}};
  for (const auto& r : rows) {
    auto p = with_ceiling();
    p.ceiling.cap_ms = r.cap_ms;
    p.ceiling.refuses_uploads = r.refuses;
    world w(p);
    w.speak(r.spoken_ms);
    BOOST_TEST(w.look().ceiling == r.holds);
    BOOST_TEST(w.told()
               == (r.holds ? lines{"restriction_engaged ceiling ceiling_reached 108000000/108000000 +"
                                   + number(day_ms + second_ms)}
                           : lines{}));
    if (r.holds) {
      BOOST_TEST(w.look().retry_at == monday + day_ms + second_ms);
      w.wait(2 * day_ms);
      w.tick();
      BOOST_TEST(w.told() == lines{"restriction_lifted ceiling drained @" + number(day_ms + second_ms)});
    }
  }
}

BOOST_AUTO_TEST_CASE(a_refused_upload_is_counted_as_harm_and_metered_all_the_same) {
  world w;
  w.set_stage(stage::restrict);
  w.speak(3 * hour_ms, lane::sync); // The gate was open when it came.
  BOOST_TEST(w.out.tallies[0].upload_refused_ms == 0);
  w.speak(minute_ms, lane::sync);
  w.speak(minute_ms, lane::realtime);
  BOOST_TEST(w.out.tallies[0].upload_refused_ms == minute_ms);
  BOOST_TEST(w.sum() == 3 * hour_ms + 2 * minute_ms);
}

BOOST_AUTO_TEST_CASE(an_ordinary_user_has_no_budget) {
  world w(with_budget());
  w.stt(hour_ms);
  BOOST_TEST(w.told().empty());
  BOOST_TEST(not w.look().budget.tracked);
  BOOST_TEST(w.look().budget.used_ms == 0);
  BOOST_TEST(w.out.tallies[0].stt_ms == hour_ms);
}

BOOST_AUTO_TEST_CASE(the_request_that_crosses_the_budget_passes_whole_and_the_next_is_blocked) {
  world w(with_budget());
  w.set_stage(stage::restrict);
  w.told();
  w.stt(30 * minute_ms - 1);
  BOOST_TEST(w.told().empty());
  w.stt(10 * minute_ms);
  BOOST_TEST(w.told() == lines{"budget_exhausted 2399999/1800000"});
  w.stt(5 * minute_ms);
  BOOST_TEST(w.told().empty());
  BOOST_TEST(w.look().budget.used_ms == 40 * minute_ms - 1);
  BOOST_TEST(w.out.tallies[0].stt_blocked_ms == 5 * minute_ms);
  BOOST_TEST(w.look().budget.resets_at == monday + day_ms);
}

BOOST_AUTO_TEST_CASE(a_used_budget_is_reset_at_midnight_utc_and_an_unused_one_never) {
  world w(with_budget());
  w.wait(10 * hour_ms);
  w.set_stage(stage::restrict);
  w.stt(30 * minute_ms);
  w.told();
  w.now = monday + day_ms - 1;
  w.tick();
  BOOST_TEST(w.told().empty());
  w.wait(1);
  w.tick();
  BOOST_TEST(w.told() == lines{"budget_reset 1800000/1800000 @" + number(day_ms)});
  BOOST_TEST(w.look().budget.used_ms == 0);
  w.wait(3 * day_ms);
  w.tick();
  BOOST_TEST(w.told().empty());
  w.stt(30 * minute_ms);
  BOOST_TEST(w.told() == lines{"budget_exhausted 1800000/1800000"});
}

BOOST_AUTO_TEST_CASE(stt_of_an_earlier_day_is_counted_and_not_charged) {
  world w(with_budget());
  w.set_stage(stage::restrict);
  w.wait(day_ms);
  w.stt(minute_ms, 1);
  BOOST_TEST(w.look().budget.used_ms == 0);
  BOOST_TEST(w.out.counts.stt_of_earlier_day == 1U);
  w.stt(minute_ms, 0);
  BOOST_TEST(w.look().budget.used_ms == minute_ms);
  w.stt(minute_ms, -minute_ms);
  BOOST_TEST(w.look().budget.used_ms == 2 * minute_ms);
}

BOOST_AUTO_TEST_CASE(tracking_from_the_trigger_makes_the_escalation_window_count) {
  for (const bool from_trigger : {true, false}) {
    auto p = with_budget();
    p.budget.track_from_trigger = from_trigger;
    world w(p);
    w.speak(2 * hour_ms);
    w.stt(minute_ms);
    BOOST_TEST(w.look().budget.used_ms == 0);
    w.speak(1);
    w.stt(40 * minute_ms);
    BOOST_TEST(w.look().budget.tracked == from_trigger);
    BOOST_TEST(w.look().budget.used_ms == (from_trigger ? 40 * minute_ms : 0));
    BOOST_TEST(w.out.tallies[0].stt_blocked_ms == 0);
    w.told();
    // Exhausted only in the budget's stage, and then at once.
    w.set_stage(stage::restrict);
    BOOST_TEST(w.told(decision_kind::budget_exhausted)
               == (from_trigger ? lines{"budget_exhausted 2400000/1800000"} : lines{}));
    w.set_stage(stage::throttle);
    w.told();
    w.stt(minute_ms);
    BOOST_TEST(w.out.tallies[0].stt_blocked_ms == 0);
    BOOST_TEST(w.told().empty());
  }
}

BOOST_AUTO_TEST_CASE(tracking_ends_when_the_excess_has_drained) {
  auto p = with_budget();
  p.budget.track_from_trigger = true;
  world w(p);
  w.speak(2 * hour_ms + 1);
  w.now = monday + day_ms + second_ms - 1;
  w.stt(minute_ms);
  BOOST_TEST(w.look().budget.used_ms == minute_ms);
  w.wait(1);
  w.stt(minute_ms);
  BOOST_TEST(w.look().budget.used_ms == minute_ms);
}

BOOST_AUTO_TEST_CASE(uploads_are_charged_where_the_policy_says_so_if_tracked_before) {
  struct row {
    bool charge_stt;
    bool charge_uploads;
    std::int64_t used_ms;
  };
  const row rows[] = {
      {true, false, minute_ms}, {true, true, 3 * minute_ms}, {false, true, 2 * minute_ms}, {false, false, 0}};
  for (const auto& r : rows) {
    auto p = with_budget();
    p.budget.charge_stt = r.charge_stt;
    p.budget.charge_uploads = r.charge_uploads;
    world w(p);
    w.speak(hour_ms, lane::sync); // Not tracked yet.
    w.set_stage(stage::restrict);
    w.stt(minute_ms);
    w.speak(2 * minute_ms, lane::sync);
    w.speak(minute_ms, lane::realtime);
    BOOST_TEST(w.look().budget.used_ms == r.used_ms);
  }
  auto p = with_budget();
  p.budget.charge_uploads = true;
  p.budget.track_from_trigger = true;
  world w(p);
  w.speak(2 * hour_ms + 1, lane::sync); // It crosses the cap: not tracked *before*.
  BOOST_TEST(w.look().budget.used_ms == 0);
  w.speak(minute_ms, lane::sync);
  BOOST_TEST(w.look().budget.used_ms == minute_ms);
}

BOOST_AUTO_TEST_CASE(an_upload_that_the_budget_refuses_is_not_charged) {
  auto p = with_budget();
  p.budget.charge_uploads = true;
  world w(p);
  w.set_stage(stage::restrict);
  w.stt(30 * minute_ms);
  w.speak(minute_ms, lane::sync);
  BOOST_TEST(w.look().budget.used_ms == 30 * minute_ms);
  BOOST_TEST(w.out.tallies[0].upload_refused_ms == minute_ms);
}

BOOST_AUTO_TEST_CASE(without_a_limit_there_is_no_budget) {
  world w;
  w.set_stage(stage::restrict);
  w.stt(10 * hour_ms);
  BOOST_TEST(not w.look().budget.tracked);
  BOOST_TEST(not w.look().budget.exhausted);
  BOOST_TEST(w.out.tallies[0].stt_blocked_ms == 0);
}

BOOST_AUTO_TEST_CASE(stt_in_throttle_goes_to_the_cheaper_model) {
  world w;
  w.stt(1);
  w.set_stage(stage::throttle);
  w.stt(10);
  w.set_stage(stage::restrict);
  w.stt(100);
  BOOST_TEST(w.out.tallies[0].stt_economy_ms == 10);
  BOOST_TEST(w.out.tallies[0].stt_ms == 111);
}

BOOST_AUTO_TEST_CASE(killed_exempt_or_off_nothing_is_charged_or_blocked) {
  const std::vector<void (*)(world&)> ways{[](world& w) { w.kill(true); }, [](world& w) { w.exempt(true); },
                                           [](world& w) { w.enable(false); }};
  for (const auto& way : ways) {
    world w(with_budget());
    w.set_stage(stage::restrict);
    w.stt(30 * minute_ms);
    way(w);
    w.stt(minute_ms);
    BOOST_TEST(w.out.tallies[0].stt_blocked_ms == 0);
    BOOST_TEST(w.who.standings[0]->used_ms == 30 * minute_ms);
    BOOST_TEST(not w.look().budget.tracked);
  }
}

BOOST_AUTO_TEST_SUITE_END()
