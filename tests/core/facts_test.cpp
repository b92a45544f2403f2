// SPDX-License-Identifier: Apache-2.0
//
// Accounts, conversations, exemption, erasure, and what admins do.
#include <boost/test/unit_test.hpp>

#include "tests/core/world.hpp"

using namespace fairuse;
using namespace fairuse::test;

BOOST_AUTO_TEST_SUITE(facts)

BOOST_AUTO_TEST_CASE(of_each_field_the_newest_fact_wins_whatever_comes_last) {
  world w;
  w.wait(day_ms);
  BOOST_TEST((w.plan("new") == applied::accepted));
  BOOST_TEST((w.plan("old", hour_ms) == applied::stale));
  BOOST_TEST((w.again() == applied::stale));
  BOOST_TEST(w.who.plan() == "new");
  BOOST_TEST((w.credits(true, hour_ms) == applied::accepted)); // Another field.
  BOOST_TEST(w.who.credits_exhausted());
  account_fact both;
  both.plan = "older";
  both.credits_exhausted = false;
  both.time_zone = "UTC";
  BOOST_TEST((w.give(w.make(event_kind::account, minute_ms, both)) == applied::accepted));
  BOOST_TEST(w.who.plan() == "new");
  BOOST_TEST(not w.who.credits_exhausted());
  BOOST_TEST(w.who.account->time_zone == "UTC");
  BOOST_TEST(w.out.counts.stale == 2U);
}

BOOST_AUTO_TEST_CASE(facts_of_the_same_instant_are_ordered_by_source_and_id) {
  for (const bool forward : {true, false}) {
    world w;
    account_fact one;
    one.plan = "one";
    account_fact two;
    two.plan = "two";
    auto first = w.make(event_kind::account, 0, one);
    auto second = w.make(event_kind::account, 0, two);
    first.text = w.arena.keep("app", "a");
    second.text = w.arena.keep("app", "b");
    w.give(forward ? first : second);
    w.give(forward ? second : first);
    BOOST_TEST(w.who.plan() == "two");
  }
}

BOOST_AUTO_TEST_CASE(a_user_without_account_facts_is_free_and_has_credits) {
  world w;
  BOOST_TEST(w.who.plan() == "basic");
  BOOST_TEST(not w.who.credits_exhausted());
}

BOOST_AUTO_TEST_CASE(content_is_locked_while_a_free_plan_has_no_credits) {
  world w;
  w.credits(true);
  BOOST_TEST(w.told() == lines{"content_locked credits_exhausted"});
  w.wait(1);
  w.credits(true);
  BOOST_TEST(w.told().empty());
  BOOST_TEST(w.look().content_locked);
  w.wait(1);
  w.credits(false);
  BOOST_TEST(w.told() == lines{"content_unlocked credits_restored"});
  w.wait(1);
  w.credits(true);
  w.plan("pro");
  BOOST_TEST(w.told() == (lines{"content_locked credits_exhausted", "content_unlocked upgrade"}));
  w.wait(1);
  w.plan("basic");
  BOOST_TEST(w.told() == lines{"content_locked credits_exhausted"});
}

BOOST_AUTO_TEST_CASE(a_paid_user_is_never_locked) {
  world w;
  w.plan("pro");
  w.credits(true);
  BOOST_TEST(w.told().empty());
  BOOST_TEST(not w.look().content_locked);
}

BOOST_AUTO_TEST_CASE(of_a_conversation_the_newest_version_stays_and_thirty_are_kept) {
  world w;
  w.wait(day_ms);
  BOOST_TEST((w.converse("c", 1) == applied::accepted));
  BOOST_TEST((w.again() == applied::stale));
  BOOST_TEST((w.converse("c", 2, "work", minute_ms) == applied::stale));
  w.wait(1);
  BOOST_TEST((w.converse("c", 3) == applied::accepted));
  BOOST_TEST(w.who.conversations->size() == 1U);
  BOOST_TEST(w.who.conversations->front().duration_ms == 3);
  for (int i = 0; i < 30; ++i)
    w.converse("d" + std::to_string(i), 1, "work", hour_ms - i);
  BOOST_TEST(w.who.conversations->size() == 30U);
  BOOST_TEST(w.who.conversations->front().id == "d1");
  BOOST_TEST(w.who.conversations->back().id == "c");
}

BOOST_AUTO_TEST_CASE(an_exemption_lifts_what_holds_and_its_end_engages_it_again) {
  world w;
  w.speak(3 * hour_ms);
  w.set_stage(stage::restrict);
  w.told();
  w.exempt(true);
  BOOST_TEST(w.told() == lines{"restriction_lifted hard exempt"});
  BOOST_TEST(not w.look().hard_restricted);
  w.exempt(true);
  BOOST_TEST(w.told().empty());
  w.wait(hour_ms);
  w.exempt(false);
  BOOST_TEST(w.told(decision_kind::restriction_engaged).size() == 1U);
}

BOOST_AUTO_TEST_CASE(the_kill_switch_keeps_stages_and_timers) {
  world w;
  w.set_stage(stage::throttle);
  w.told();
  w.kill(true);
  w.now = monday + 7 * day_ms + 1;
  w.tick();
  BOOST_TEST(w.told() == lines{"stage_changed throttle>warning stage_ended +2592000000 @604800001"});
}

BOOST_AUTO_TEST_CASE(an_admin_command_is_obeyed_once_for_ever) {
  world w;
  w.set_stage(stage::throttle);
  w.wait(300 * day_ms);
  BOOST_TEST((w.again() == applied::duplicate));
  BOOST_TEST((w.look().at == stage::none));
  const auto& changed = w.out.decisions.front();
  BOOST_TEST(changed.who == "ada");
  BOOST_TEST(changed.note == "because");
}

BOOST_AUTO_TEST_CASE(commands_to_everybody_change_nothing_of_one_user) {
  for (const auto verb : {admin_verb::enable, admin_verb::kill_switch, admin_verb::promote_policy}) {
    world w;
    admin_command what;
    what.verb = verb;
    BOOST_TEST((w.give(w.make(event_kind::admin, 0, what)) == applied::accepted));
    BOOST_TEST(w.told().empty());
  }
}

BOOST_AUTO_TEST_CASE(an_erasure_leaves_numbers_and_admin_ids_and_nothing_else) {
  auto shadow = plain();
  shadow.name = "s";
  world w(plain(), {shadow});
  w.wait(day_ms);
  w.credits(true);
  w.speak(3 * hour_ms);
  w.converse("c", 1);
  w.plan("pro");
  w.speak(0);
  w.exempt(true);
  const auto command = w.who.admin_ids;
  w.told();
  w.erase();
  BOOST_TEST(w.told() == lines{"user_erased ada"});
  BOOST_TEST(w.sum() == 0);
  BOOST_TEST((w.who.account == nullptr and w.who.conversations == nullptr and not w.who.exempt));
  BOOST_TEST(w.who.admin_ids == command);
  BOOST_TEST(w.look().strikes_7d == 0U);
  BOOST_TEST((w.look().at == stage::none));
  BOOST_TEST(w.who.next_due == never);
  BOOST_TEST(w.who.standings[0]->last_strike == 1U);
  // Numbers go on.
  w.wait(1);
  w.speak(3 * hour_ms);
  BOOST_TEST(w.told(decision_kind::review_requested) == lines{"review_requested 1 daily"});
  w.answer("live-1", 0.9);
  BOOST_TEST(w.told(decision_kind::strike_added) == lines{"strike_added 2 900 audiobook none>warning 0,0"});
}

BOOST_AUTO_TEST_CASE(what_was_before_an_erasure_is_refused_and_the_later_erasure_wins) {
  world w;
  w.wait(day_ms);
  w.erase(hour_ms); // It holds up to now.
  w.told();
  BOOST_TEST((w.speak(1000) == applied::erased));
  BOOST_TEST((w.stt(1000) == applied::erased));
  BOOST_TEST((w.plan("pro") == applied::erased));
  BOOST_TEST((w.converse("c", 1) == applied::erased));
  BOOST_TEST((w.set_stage(stage::warning) == applied::erased));
  BOOST_TEST((w.erase() == applied::duplicate));
  BOOST_TEST(w.told().empty());
  BOOST_TEST(w.out.counts.erased == 5U);
  w.wait(1);
  BOOST_TEST((w.speak(1000) == applied::accepted));
  BOOST_TEST((w.erase() == applied::accepted));
  BOOST_TEST(w.told() == lines{"user_erased ada"});
  BOOST_TEST(w.sum() == 0);
}

BOOST_AUTO_TEST_CASE(an_erasure_ahead_of_now_holds_up_to_its_own_instant) {
  world w;
  w.erase(-minute_ms);
  BOOST_TEST((w.speak(1000, lane::realtime, -minute_ms) == applied::erased));
  BOOST_TEST((w.speak(1000, lane::realtime, -minute_ms - 1) == applied::accepted));
}

BOOST_AUTO_TEST_CASE(changes_are_noted_for_whoever_writes_them_down) {
  world w;
  w.who.changed.track = true;
  const auto& changed = w.who.changed;
  w.wait(hour_ms + minute_ms);
  w.speak_segments({{0, 1000}, {2 * minute_ms, 3 * minute_ms}}, 2 * minute_ms);
  BOOST_TEST(changed.bucket_hours.size() == 2U);
  BOOST_TEST(changed.id_hours.size() == 1U);
  BOOST_TEST((not changed.core and changed.standings == 0 and not changed.conversations));
  w.who.changed.clear();
  w.again();
  BOOST_TEST(not changed.any());
  w.converse("c", 1);
  BOOST_TEST((changed.conversations and not changed.core));
  w.who.changed.clear();
  w.plan("pro");
  BOOST_TEST(changed.core);
  w.who.changed.clear();
  w.set_stage(stage::warning);
  BOOST_TEST((changed.core and changed.standings == 1));
  w.who.changed.clear();
  w.erase();
  BOOST_TEST(changed.erased);
  BOOST_TEST(changed.track);
}

BOOST_AUTO_TEST_SUITE_END()
