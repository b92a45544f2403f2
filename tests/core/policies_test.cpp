// SPDX-License-Identifier: Apache-2.0
//
// Policies side by side: slots, profiles, spans, promotion.
#include <boost/test/unit_test.hpp>

#include "tests/core/user_fixture.hpp"

using namespace fairuse;
using namespace fairuse::test;

BOOST_AUTO_TEST_SUITE(policies)

BOOST_AUTO_TEST_CASE(slots_are_live_then_off_then_shadows_by_name) {
  auto live = plain();
  live.off = off_rule::shadow;
  const auto set = policy_set::make(live, {shadow("z"), shadow("a")});
  lines names;
  for (const auto& slot : set->slots())
    names.push_back(slot.label.slot + "/" + slot.label.policy + (slot.label.enforced ? "!" : ""));
  BOOST_TEST(names == (lines{"live/plain!", "off/plain", "a/a", "z/z"}), boost::test_tools::per_element());
  BOOST_TEST(set->slot_named("z") == 3);
  BOOST_TEST(set->slot_named("y") == -1);
}

BOOST_AUTO_TEST_CASE(a_promotion_may_end_the_slot_off_and_another_one_brings_it_back_as_it_stood) {
  auto runs = plain();
  runs.off = off_rule::shadow;
  auto back = runs;
  back.name = back.digest = "back";
  user_fixture user(runs, {shadow("pause"), back});
  user.enable(false);
  user.speak(3 * hour_ms);
  user.answer("off-1", 0.9);
  BOOST_TEST((user.standing(1).at == stage::warning));
  user.decided();
  user.promote("pause");
  BOOST_TEST(not user.standing(1).judges);
  user.wait(25 * hour_ms);
  user.speak(3 * hour_ms);
  BOOST_TEST(user.decided(decision_kind::cap_crossed) == lines{"back: cap_crossed daily 3h/2h"});
  user.promote("back");
  BOOST_TEST(user.policies->slots()[1].label.slot == "off");
  BOOST_TEST((user.standing(1).at == stage::warning));
  BOOST_TEST(user.standing(1).judges);
}

BOOST_AUTO_TEST_CASE(there_is_no_slot_off_where_no_policy_runs_it) {
  BOOST_TEST(policy_set::make(plain(), {shadow("a")})->slot_named("off") == -1);
  auto runs = shadow("runs");
  runs.off = off_rule::shadow;
  const auto set = policy_set::make(plain(), {shadow("a"), runs});
  BOOST_TEST(set->slot_named("off") == 1);
  BOOST_TEST(set->promoted("a")->slot_named("off") == 1);
  BOOST_TEST(set->promoted("runs")->slot_named("off") == 1);
}

BOOST_AUTO_TEST_CASE(equal_profiles_views_and_spans_are_shared) {
  auto same = shadow("same");
  auto lanes = shadow("lanes");
  lanes.enforced_lanes = {true, false, false, false};
  auto buckets = shadow("buckets");
  buckets.metering.bucket_s = 300;
  const auto set = policy_set::make(plain(), {same, lanes, buckets});
  BOOST_TEST(set->profiles().size() == 2U);
  // The live view leaves speech out that was metered while off.
  BOOST_TEST(set->views().size() == 4U);
  BOOST_TEST(set->spans().size() == 4U);
}

/// Shadows with `spans` different spans each; the distinct ones count.
std::vector<policy> shadows_with_spans(std::size_t count, std::size_t spans) {
  std::vector<policy> all;
  std::int64_t seconds = hour_ms / second_ms;
  for (std::size_t i = 0; i < count; ++i) {
    all.push_back(shadow(("s" + std::to_string(i)).c_str()));
    all.back().windows.clear();
    for (std::size_t k = 0; k < spans; ++k)
      all.back().windows.push_back({"w" + std::to_string(k), seconds++ * second_ms, hour_ms});
  }
  return all;
}

BOOST_AUTO_TEST_CASE(more_policies_than_indices_hold_are_refused) {
  const auto refusal = [](std::vector<policy> shadows) {
    const auto fits = policy_set::check(plain(), std::move(shadows));
    return fits ? std::string("fits") : fits.error().message;
  };
  BOOST_TEST(refusal(shadows_with_spans(63, 1)) == "fits");
  BOOST_TEST(refusal(shadows_with_spans(64, 1))
             == "the policies need 65 slots together, and 64 are the most: load fewer policies");
  const auto live_spans = plain().windows.size();
  BOOST_TEST(refusal(shadows_with_spans(31, 8)) == (31 * 8 + live_spans <= 256 ? "fits" : ""));
  BOOST_TEST(refusal(shadows_with_spans(32, 8))
             == "the policies need " + std::to_string(256 + live_spans)
                    + " different window spans together, and 256 are the most: load fewer policies");
}

BOOST_AUTO_TEST_CASE(decisions_come_live_first_then_by_name) {
  user_fixture user(plain(), {shadow("b"), shadow("a")}, review_mode::alone);
  user.speak(3 * hour_ms);
  BOOST_TEST(user.decided()
                 == (lines{"cap_crossed daily 3h/2h", "review_requested 1 daily", "a: cap_crossed daily 3h/2h",
                           "a: review_requested 1 daily", "b: cap_crossed daily 3h/2h", "b: review_requested 1 daily"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(timers_fire_by_due_then_kind_then_slot) {
  auto live = plain();
  live.review.timeout_ms = day_ms - 1;
  live.budget.per_utc_day_ms = minute_ms;
  live.budget.at = stage::warning;
  live.steps[0].ends_after_ms = day_ms - 1;
  auto other = live;
  other.name = other.digest = "s";
  user_fixture user(live, {other}, review_mode::alone);
  user.set_stage(stage::warning);
  user.speak(3 * hour_ms);
  user.stt(minute_ms);
  user.decided();
  user.wait(2 * day_ms);
  user.fire_timers();
  // Everything is due at midnight.
  BOOST_TEST(user.decided()
                 == (lines{"stage_changed warning>none stage_ended @1d", "budget_reset 1m/1m @1d",
                           "review_timed_out 1 @1d", "s: review_timed_out 1 @1d"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_promotion_keeps_the_live_standing_and_ends_the_shadow) {
  auto strict = shadow("strict");
  strict.windows[0].cap_ms = hour_ms;
  strict.plans.clear();
  user_fixture user(plain(), {strict, shadow("other")});
  user.misuse();
  user.decided();
  user.promote("strict");
  BOOST_TEST(user.decided().empty());
  BOOST_TEST(user.policies->slots().size() == 2U);
  BOOST_TEST(user.policies->live().label.policy == "strict");
  BOOST_TEST(user.policies->live().label.slot == "live");
  BOOST_TEST((user.standing(0).at == stage::warning));
  BOOST_TEST(user.who.standings[0]->last_strike == 1U);
  BOOST_TEST(user.who.standings[1] != nullptr);
  BOOST_TEST(user.sum() == 2 * hour_ms + 1);
  user.wait(25 * hour_ms);
  user.speak(hour_ms + 1);
  BOOST_TEST(user.decided().front() == "cap_crossed daily 1h1ms/1h");
  BOOST_TEST(user.policies->promoted("strict") == nullptr);
}

BOOST_AUTO_TEST_CASE(a_promotion_checks_restrictions_again) {
  auto lax = shadow("lax");
  lax.windows[0].cap_ms = 10 * hour_ms;
  lax.plans.clear();
  user_fixture user(plain(), {lax});
  user.speak(3 * hour_ms);
  user.set_stage(stage::restrict);
  user.decided();
  user.wait(minute_ms);
  user.promote("lax");
  BOOST_TEST(user.decided(decision_kind::restriction_lifted) == lines{"restriction_lifted hard drained @1m"});
}

BOOST_AUTO_TEST_CASE(unwritten_standings_follow_their_slots_through_a_promotion) {
  user_fixture user(plain(), {shadow("a"), shadow("b")}, review_mode::alone);
  user.who.changed.track = true;
  user.speak(3 * hour_ms);
  user.who.changed.clear();
  user.answer("b-1", 0.9);
  BOOST_TEST(user.who.changed.standings == 4U);
  user.promote("a");
  BOOST_TEST(user.who.changed.standings == 2U);
  BOOST_TEST((user.who.standings[1]->at == stage::warning));
}

/// Else the rows of an unloaded slot would depend on whether a commit fell before the promotion.
BOOST_AUTO_TEST_CASE(an_unwritten_standing_of_a_slot_that_is_unloaded_is_kept_for_the_writer) {
  user_fixture user(plain(), {shadow("a"), shadow("b")}, review_mode::alone);
  user.who.changed.track = true;
  user.speak(3 * hour_ms);
  user.who.changed.clear();
  user.answer("b-1", 0.9);
  user.promote("b");
  BOOST_REQUIRE(user.who.changed.unloaded);
  BOOST_REQUIRE(user.who.changed.unloaded->size() == 1U);
  BOOST_TEST(user.who.changed.unloaded->front().slot == "b");
  BOOST_TEST((user.who.changed.unloaded->front().last->at == stage::warning));
  BOOST_TEST(user.who.changed.any());
  user.who.changed.clear();
  BOOST_TEST(not user.who.changed.any());
}

BOOST_AUTO_TEST_CASE(a_timer_that_is_late_when_the_set_changes_fires_with_the_sums_of_its_instant) {
  auto live = plain();
  user_fixture user(live, {shadow("s")});
  user.speak(3 * hour_ms);
  user.decided();
  user.wait(3 * day_ms);
  const auto after = user.policies->promoted("s");
  user.in_force.policies = after.get();
  user.fire_timers();
  const auto& timed_out = user.out.decisions.front();
  BOOST_TEST((timed_out.kind == decision_kind::review_timed_out));
  BOOST_TEST(timed_out.sums[0] == 3 * hour_ms);
  user.in_force.policies = user.policies.get();
  user.fire_timers();
}

BOOST_AUTO_TEST_CASE(a_policy_whose_sums_may_miss_speech_is_incomplete) {
  auto young = shadow("young");
  young.metering.bucket_s = 300;
  const auto set = policy_set::make(plain(), {young, shadow("old")}, 8 * day_ms, review_mode::shared,
                                    {{{young.metering, monday}}, {}});
  const auto slot = static_cast<std::size_t>(set->slot_named("young"));
  BOOST_TEST(set->is_incomplete(slot, monday + 24 * hour_ms - 1));
  BOOST_TEST(not set->is_incomplete(slot, monday + 25 * hour_ms));
  BOOST_TEST(not set->is_incomplete(static_cast<std::size_t>(set->slot_named("old")), monday));
  BOOST_TEST(not set->is_incomplete(0, monday));
}

BOOST_AUTO_TEST_CASE(a_promotion_forgets_since_when_an_unloaded_profile_was_metered) {
  auto young = shadow("young");
  young.metering.bucket_s = 300;
  const policy_ages ages{.profiles = {{plain().metering, monday}, {young.metering, monday - day_ms}}};
  const auto set = policy_set::make(plain(), {young}, 8 * day_ms, review_mode::shared, ages);
  BOOST_TEST(set->ages().profiles.size() == 2U);
  const auto after = set->promoted("young");
  BOOST_REQUIRE(after->ages().profiles.size() == 1U);
  BOOST_TEST((after->ages().profiles[0].profile == young.metering));
  BOOST_TEST(after->ages().profiles[0].since == monday - day_ms);
}

BOOST_AUTO_TEST_CASE(a_slot_that_was_not_loaded_meanwhile_begins_and_others_go_on) {
  const auto a = plain();
  const auto b = shadow("b");
  const auto c = shadow("c");
  const auto first = policy_set::make(a, {b}, 8 * day_ms);
  const auto second = policy_set::make(a, {b, c}, 8 * day_ms, review_mode::shared,
                                       {{}, slots_after(first->ages().slots, {&a, &b, &c}, monday)});
  BOOST_TEST(second->slots()[static_cast<std::size_t>(second->slot_named("b"))].loaded == INT64_MIN);
  BOOST_TEST(second->slots()[static_cast<std::size_t>(second->slot_named("c"))].loaded == monday);
  const auto promoted = second->promoted("b");
  BOOST_TEST(promoted->slots()[static_cast<std::size_t>(promoted->slot_named("c"))].loaded == monday);
  const auto third = slots_after(promoted->ages().slots, {&a, &b, &c}, monday + day_ms);
  const auto set = policy_set::make(a, {b, c}, 8 * day_ms, review_mode::shared, {{}, third});
  BOOST_TEST(set->live().loaded == INT64_MIN);
  BOOST_TEST(set->slots()[static_cast<std::size_t>(set->slot_named("b"))].loaded == monday + day_ms);
  BOOST_TEST(set->slots()[static_cast<std::size_t>(set->slot_named("c"))].loaded == monday);
}

BOOST_AUTO_TEST_CASE(the_promotion_itself_says_what_and_who) {
  user_fixture user(plain(), {shadow("s")});
  admin_command what;
  what.verb = admin_verb::promote_policy;
  what.policy = "s";
  what.actor = "ada";
  what.reason = "measured";
  const auto after = user.policies->promoted("s");
  const auto written = promotion(*after, user.make(event_kind::admin, 0, what), user.now);
  BOOST_TEST(written.who == "ada");
  BOOST_TEST(written.promoted == "s");
  BOOST_TEST(written.note == "measured");
  BOOST_TEST(written.cause == "e1");
  BOOST_TEST(written.slot->policy == "s");
  BOOST_TEST(written.time == monday);
}

BOOST_AUTO_TEST_SUITE_END()
