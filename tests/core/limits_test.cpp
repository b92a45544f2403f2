// SPDX-License-Identifier: Apache-2.0
//
// Hard caps, ceiling and the STT budget.
#include <boost/test/unit_test.hpp>

#include "tests/core/user_fixture.hpp"

using namespace fairuse;
using namespace fairuse::test;

namespace {

policy with_budget() {
  auto rules = plain();
  rules.budget.per_utc_day_ms = 30 * minute_ms;
  return rules;
}

policy with_ceiling() {
  auto rules = plain();
  rules.ceiling.cap_ms = 30 * hour_ms;
  rules.windows[0].cap_ms = 100 * hour_ms;
  rules.plans.clear();
  return rules;
}

} // namespace

BOOST_AUTO_TEST_SUITE(limits)

BOOST_AUTO_TEST_CASE(in_restrict_a_sum_above_its_cap_blocks_until_it_drained) {
  user_fixture user;
  user.speak(hour_ms);
  user.wait(hour_ms);
  user.speak(hour_ms + 1);
  user.decided();
  user.set_stage(stage::restrict);
  // 1 ms has to leave: the first bucket does, 24 h and 1 s after its start.
  BOOST_TEST(user.decided().back()
             == "restriction_engaged hard stage_reached 2h1ms/2h +" + duration_text(23 * hour_ms + second_ms));
  BOOST_TEST(user.standing().hard_restricted);
  BOOST_TEST(user.standing().retry_at == monday + day_ms + second_ms);
  user.now = monday + day_ms + 999;
  user.fire_timers();
  user.decided();
  BOOST_TEST(user.standing().hard_restricted);
  user.wait(1);
  BOOST_TEST(not user.standing().hard_restricted);
  user.wait(day_ms / 2); // Late: the decision has the due instant.
  user.fire_timers();
  BOOST_TEST(user.decided() == lines{"restriction_lifted hard drained @" + duration_text(day_ms + second_ms)});
}

BOOST_AUTO_TEST_CASE(more_speech_delays_a_drain_and_its_timer_may_come_early) {
  user_fixture user;
  user.speak(2 * hour_ms + 1);
  user.set_stage(stage::restrict);
  user.wait(hour_ms);
  user.speak(2 * hour_ms + 1);
  user.decided();
  user.now = monday + 25 * hour_ms + 500;
  user.fire_timers();
  BOOST_TEST(user.decided(decision_kind::restriction_lifted).empty());
  user.wait(hour_ms);
  user.fire_timers();
  BOOST_TEST(user.decided() == lines{"restriction_lifted hard drained @" + duration_text(25 * hour_ms + second_ms)});
}

BOOST_AUTO_TEST_CASE(a_plan_with_higher_caps_lifts_or_shortens_a_restriction) {
  user_fixture user;
  user.speak(3 * hour_ms);
  user.set_stage(stage::restrict);
  user.decided();
  user.plan("unlimited");
  BOOST_TEST(user.decided() == lines{"restriction_lifted hard plan_changed"});
  user_fixture heavy;
  heavy.speak(3 * hour_ms);
  heavy.wait(hour_ms);
  heavy.speak(3 * hour_ms);
  heavy.set_stage(stage::restrict);
  heavy.plan("unlimited"); // 6 h: still above 4 h, but the first 3 h suffice.
  heavy.decided();
  heavy.wait(3 * day_ms);
  heavy.fire_timers();
  BOOST_TEST(heavy.decided(decision_kind::restriction_lifted)
             == lines{"restriction_lifted hard drained @" + duration_text(day_ms + second_ms)});
}

BOOST_AUTO_TEST_CASE(hard_caps_are_the_plans_or_the_base_ones) {
  for (const auto rule : {hard_caps::plan, hard_caps::base}) {
    auto rules = plain();
    rules.hard = rule;
    user_fixture user(rules);
    user.plan("unlimited");
    user.speak(2 * hour_ms + 1);
    user.decided();
    user.set_stage(stage::restrict);
    BOOST_TEST(user.decided(decision_kind::restriction_engaged).size() == (rule == hard_caps::base ? 1U : 0U));
    BOOST_TEST(user.standing().hard_restricted == (rule == hard_caps::base));
  }
}

BOOST_AUTO_TEST_CASE(retry_is_when_it_drains_or_the_stages_deadline) {
  for (const auto rule : {hard_retry::drain, hard_retry::deadline}) {
    auto rules = plain();
    rules.retry = rule;
    user_fixture user(rules);
    user.speak(3 * hour_ms);
    user.set_stage(stage::restrict);
    const auto until = rule == hard_retry::drain ? day_ms + second_ms : 30 * day_ms;
    BOOST_TEST(user.decided(decision_kind::restriction_engaged)
               == lines{"restriction_engaged hard stage_reached 3h/2h +" + duration_text(until)});
    BOOST_TEST(user.standing().retry_at == monday + until);
  }
}

BOOST_AUTO_TEST_CASE(of_several_windows_all_have_to_drain) {
  user_fixture user(fair());
  user.speak(9 * hour_ms);
  user.decided();
  user.set_stage(stage::restrict);
  // Daily and 3day are above; 3day drains last. The evidence is the first of them.
  BOOST_TEST(user.decided(decision_kind::restriction_engaged)
             == lines{"restriction_engaged hard stage_reached 9h/2h +" + duration_text(72 * hour_ms + second_ms)});
}

BOOST_AUTO_TEST_CASE(speech_in_restrict_engages_and_the_stages_end_lifts) {
  user_fixture user;
  user.set_stage(stage::restrict);
  user.speak(2 * hour_ms);
  user.decided();
  user.speak(1);
  BOOST_TEST(user.decided().back()
             == "restriction_engaged hard cap_exceeded 2h1ms/2h +" + duration_text(day_ms + second_ms));
  user.now = monday + 30 * day_ms;
  user.speak(3 * hour_ms);
  user.decided();
  user.wait(1);
  user.fire_timers();
  BOOST_TEST(user.decided()
                 == (lines{"stage_changed restrict>throttle stage_ended +7d @30d1ms",
                           "restriction_lifted hard stage_ended @30d1ms"}),
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
  for (const auto& each : rows) {
    auto rules = with_ceiling();
    rules.ceiling.cap_ms = each.cap_ms;
    rules.ceiling.refuses_uploads = each.refuses;
    user_fixture user(rules);
    user.speak(each.spoken_ms);
    BOOST_TEST(user.standing().ceiling == each.holds);
    BOOST_TEST(user.decided()
               == (each.holds ? lines{"restriction_engaged ceiling ceiling_reached 1d6h/1d6h +"
                                      + duration_text(day_ms + second_ms)}
                              : lines{}));
    if (each.holds) {
      BOOST_TEST(user.standing().retry_at == monday + day_ms + second_ms);
      user.wait(2 * day_ms);
      user.fire_timers();
      BOOST_TEST(user.decided() == lines{"restriction_lifted ceiling drained @" + duration_text(day_ms + second_ms)});
    }
  }
}

BOOST_AUTO_TEST_CASE(a_refused_upload_is_counted_as_harm_and_metered_all_the_same) {
  user_fixture user;
  user.set_stage(stage::restrict);
  user.speak(3 * hour_ms, lane::sync); // The gate was open when it came.
  BOOST_TEST(user.out.tallies[0].upload_refused_ms == 0);
  user.speak(minute_ms, lane::sync);
  user.speak(minute_ms, lane::realtime);
  BOOST_TEST(user.out.tallies[0].upload_refused_ms == minute_ms);
  BOOST_TEST(user.sum() == 3 * hour_ms + 2 * minute_ms);
}

BOOST_AUTO_TEST_CASE(an_ordinary_user_has_no_budget) {
  user_fixture user(with_budget());
  user.stt(hour_ms);
  BOOST_TEST(user.decided().empty());
  BOOST_TEST(not user.standing().budget.tracked);
  BOOST_TEST(user.standing().budget.used_ms == 0);
  BOOST_TEST(user.out.tallies[0].stt_ms == hour_ms);
}

BOOST_AUTO_TEST_CASE(the_request_that_crosses_the_budget_passes_whole_and_the_next_is_blocked) {
  user_fixture user(with_budget());
  user.set_stage(stage::restrict);
  user.decided();
  user.stt(30 * minute_ms - 1);
  BOOST_TEST(user.decided().empty());
  user.stt(10 * minute_ms);
  BOOST_TEST(user.decided() == lines{"budget_exhausted 39m59s999ms/30m"});
  user.stt(5 * minute_ms);
  BOOST_TEST(user.decided().empty());
  BOOST_TEST(user.standing().budget.used_ms == 40 * minute_ms - 1);
  BOOST_TEST(user.out.tallies[0].stt_blocked_ms == 5 * minute_ms);
  BOOST_TEST(user.standing().budget.resets_at == monday + day_ms);
}

BOOST_AUTO_TEST_CASE(a_used_budget_is_reset_at_midnight_utc_and_an_unused_one_never) {
  user_fixture user(with_budget());
  user.wait(10 * hour_ms);
  user.set_stage(stage::restrict);
  user.stt(30 * minute_ms);
  user.decided();
  user.now = monday + day_ms - 1;
  user.fire_timers();
  BOOST_TEST(user.decided().empty());
  user.wait(1);
  user.fire_timers();
  BOOST_TEST(user.decided() == lines{"budget_reset 30m/30m @" + duration_text(day_ms)});
  BOOST_TEST(user.standing().budget.used_ms == 0);
  user.wait(3 * day_ms);
  user.fire_timers();
  BOOST_TEST(user.decided().empty());
  user.stt(30 * minute_ms);
  BOOST_TEST(user.decided() == lines{"budget_exhausted 30m/30m"});
}

BOOST_AUTO_TEST_CASE(a_low_budget_is_told_once_a_day_in_its_stage_and_never_with_the_end_of_it) {
  auto rules = with_budget();
  rules.budget.low_nano = 800'000'000;
  user_fixture user(rules);
  user.set_stage(stage::restrict);
  user.decided();
  user.stt(24 * minute_ms - 1);
  BOOST_TEST(user.decided().empty());
  user.stt(1);
  BOOST_TEST(user.decided() == lines{"budget_low 24m/30m"});
  user.stt(minute_ms);
  user.set_stage(stage::none);
  user.set_stage(stage::restrict);
  BOOST_TEST(user.decided(decision_kind::budget_low).empty());
  user.wait(day_ms);
  user.fire_timers();
  user.decided();
  // Both at once: only the greater one.
  user.stt(40 * minute_ms);
  BOOST_TEST(user.decided() == lines{"budget_exhausted 40m/30m"});
  user.wait(day_ms);
  user.fire_timers();
  user.decided();
  user.stt(25 * minute_ms);
  user.stt(25 * minute_ms);
  BOOST_TEST(user.decided() == (lines{"budget_low 25m/30m", "budget_exhausted 50m/30m"}));
}

BOOST_AUTO_TEST_CASE(a_stage_that_is_reached_with_little_left_says_so_in_every_slot_that_wants_it) {
  auto rules = with_budget();
  rules.budget.low_nano = 500'000'000;
  rules.budget.track_from_trigger = true;
  auto quiet = shadow("quiet");
  quiet.budget = rules.budget;
  quiet.budget.low_nano = 0;
  auto early = shadow("early");
  early.budget = rules.budget;
  early.budget.at = stage::warning;
  user_fixture user(rules, {quiet, early});
  user.misuse();
  user.stt(20 * minute_ms);
  BOOST_TEST(user.decided(decision_kind::budget_low).empty());
  user.wait(6 * minute_ms);
  user.speak(1);
  BOOST_TEST(user.decided(decision_kind::budget_low) == lines{"early: budget_low 20m/30m"});
  user.set_stage(stage::restrict);
  BOOST_TEST(user.decided(decision_kind::budget_low) == lines{"budget_low 20m/30m"});
}

BOOST_AUTO_TEST_CASE(stt_of_an_earlier_day_is_counted_and_not_charged) {
  user_fixture user(with_budget());
  user.set_stage(stage::restrict);
  user.wait(day_ms);
  user.stt(minute_ms, 1);
  BOOST_TEST(user.standing().budget.used_ms == 0);
  BOOST_TEST(user.out.counts.stt_of_earlier_day == 1U);
  user.stt(minute_ms, 0);
  BOOST_TEST(user.standing().budget.used_ms == minute_ms);
  user.stt(minute_ms, -minute_ms);
  BOOST_TEST(user.standing().budget.used_ms == 2 * minute_ms);
}

BOOST_AUTO_TEST_CASE(tracking_from_the_trigger_makes_the_escalation_window_count) {
  for (const bool from_trigger : {true, false}) {
    auto rules = with_budget();
    rules.budget.track_from_trigger = from_trigger;
    user_fixture user(rules);
    user.speak(2 * hour_ms);
    user.stt(minute_ms);
    BOOST_TEST(user.standing().budget.used_ms == 0);
    user.speak(1);
    user.stt(40 * minute_ms);
    BOOST_TEST(user.standing().budget.tracked == from_trigger);
    BOOST_TEST(user.standing().budget.used_ms == (from_trigger ? 40 * minute_ms : 0));
    BOOST_TEST(user.out.tallies[0].stt_blocked_ms == 0);
    user.decided();
    // Exhausted only in the budget's stage, and then at once.
    user.set_stage(stage::restrict);
    BOOST_TEST(user.decided(decision_kind::budget_exhausted)
               == (from_trigger ? lines{"budget_exhausted 40m/30m"} : lines{}));
    user.set_stage(stage::throttle);
    user.decided();
    user.stt(minute_ms);
    BOOST_TEST(user.out.tallies[0].stt_blocked_ms == 0);
    BOOST_TEST(user.decided().empty());
  }
}

BOOST_AUTO_TEST_CASE(tracking_ends_when_the_excess_has_drained) {
  auto rules = with_budget();
  rules.budget.track_from_trigger = true;
  user_fixture user(rules);
  user.speak(2 * hour_ms + 1);
  user.now = monday + day_ms + second_ms - 1;
  user.stt(minute_ms);
  BOOST_TEST(user.standing().budget.used_ms == minute_ms);
  user.wait(1);
  user.stt(minute_ms);
  BOOST_TEST(user.standing().budget.used_ms == minute_ms);
}

BOOST_AUTO_TEST_CASE(uploads_are_charged_where_the_policy_says_so_if_tracked_before) {
  struct row {
    bool charge_stt;
    bool charge_uploads;
    std::int64_t used_ms;
  };
  const row rows[] = {
      {true, false, minute_ms}, {true, true, 3 * minute_ms}, {false, true, 2 * minute_ms}, {false, false, 0}};
  for (const auto& each : rows) {
    auto rules = with_budget();
    rules.budget.charge_stt = each.charge_stt;
    rules.budget.charge_uploads = each.charge_uploads;
    user_fixture user(rules);
    user.speak(hour_ms, lane::sync); // Not tracked yet.
    user.set_stage(stage::restrict);
    user.stt(minute_ms);
    user.speak(2 * minute_ms, lane::sync);
    user.speak(minute_ms, lane::realtime);
    BOOST_TEST(user.standing().budget.used_ms == each.used_ms);
  }
  auto rules = with_budget();
  rules.budget.charge_uploads = true;
  rules.budget.track_from_trigger = true;
  user_fixture user(rules);
  user.speak(2 * hour_ms + 1, lane::sync); // It crosses the cap: not tracked *before*.
  BOOST_TEST(user.standing().budget.used_ms == 0);
  user.speak(minute_ms, lane::sync);
  BOOST_TEST(user.standing().budget.used_ms == minute_ms);
}

BOOST_AUTO_TEST_CASE(an_upload_that_the_budget_refuses_is_not_charged) {
  auto rules = with_budget();
  rules.budget.charge_uploads = true;
  user_fixture user(rules);
  user.set_stage(stage::restrict);
  user.stt(30 * minute_ms);
  user.speak(minute_ms, lane::sync);
  BOOST_TEST(user.standing().budget.used_ms == 30 * minute_ms);
  BOOST_TEST(user.out.tallies[0].upload_refused_ms == minute_ms);
}

BOOST_AUTO_TEST_CASE(without_a_limit_there_is_no_budget) {
  user_fixture user;
  user.set_stage(stage::restrict);
  user.stt(10 * hour_ms);
  BOOST_TEST(not user.standing().budget.tracked);
  BOOST_TEST(not user.standing().budget.exhausted);
  BOOST_TEST(user.out.tallies[0].stt_blocked_ms == 0);
}

BOOST_AUTO_TEST_CASE(stt_in_throttle_goes_to_the_cheaper_model) {
  user_fixture user;
  user.stt(1);
  user.set_stage(stage::throttle);
  user.stt(10);
  user.set_stage(stage::restrict);
  user.stt(100);
  BOOST_TEST(user.out.tallies[0].stt_economy_ms == 10);
  BOOST_TEST(user.out.tallies[0].stt_ms == 111);
}

BOOST_AUTO_TEST_CASE(killed_exempt_or_off_nothing_is_charged_or_blocked) {
  const std::vector<void (*)(user_fixture&)> ways{[](user_fixture& user) { user.kill(true); },
                                                  [](user_fixture& user) { user.exempt(true); },
                                                  [](user_fixture& user) { user.enable(false); }};
  for (const auto& way : ways) {
    user_fixture user(with_budget());
    user.set_stage(stage::restrict);
    user.stt(30 * minute_ms);
    way(user);
    user.stt(minute_ms);
    BOOST_TEST(user.out.tallies[0].stt_blocked_ms == 0);
    BOOST_TEST(user.who.standings[0]->used_ms == 30 * minute_ms);
    BOOST_TEST(not user.standing().budget.tracked);
  }
}

BOOST_AUTO_TEST_SUITE_END()
