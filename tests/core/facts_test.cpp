// SPDX-License-Identifier: Apache-2.0
//
// Accounts, conversations, exemption, erasure, and what admins do.
#include <boost/test/unit_test.hpp>

#include "tests/core/user_fixture.hpp"

using namespace fairuse;
using namespace fairuse::test;

BOOST_AUTO_TEST_SUITE(facts)

BOOST_AUTO_TEST_CASE(of_each_field_the_newest_fact_wins_whatever_comes_last) {
  user_fixture user;
  user.wait(day_ms);
  BOOST_TEST((user.plan("new") == applied::accepted));
  BOOST_TEST((user.plan("old", hour_ms) == applied::stale));
  BOOST_TEST((user.again() == applied::stale));
  BOOST_TEST(user.who.plan() == "new");
  BOOST_TEST((user.credits(true, hour_ms) == applied::accepted)); // Another field.
  BOOST_TEST(user.who.credits_exhausted());
  account_fact both;
  both.plan = "older";
  both.credits_exhausted = false;
  both.time_zone = "UTC";
  both.locale = "pt-BR";
  BOOST_TEST((user.give(user.make(event_kind::account, minute_ms, both)) == applied::accepted));
  BOOST_TEST(user.who.plan() == "new");
  BOOST_TEST(not user.who.credits_exhausted());
  BOOST_TEST(user.who.account->time_zone == "UTC");
  BOOST_TEST(user.who.account->locale == "pt-BR");
  account_fact late;
  late.locale = "de";
  BOOST_TEST((user.give(user.make(event_kind::account, 2 * minute_ms, late)) == applied::stale));
  BOOST_TEST((user.give(user.make(event_kind::account, 0, late)) == applied::accepted));
  BOOST_TEST(user.who.account->locale == "de");
  BOOST_TEST(user.out.counts.stale == 3U);
}

BOOST_AUTO_TEST_CASE(facts_of_the_same_instant_are_ordered_by_source_and_id) {
  for (const bool forward : {true, false}) {
    user_fixture user;
    account_fact one;
    one.plan = "one";
    account_fact two;
    two.plan = "two";
    auto first = user.make(event_kind::account, 0, one);
    auto second = user.make(event_kind::account, 0, two);
    first.text = user.arena.keep("app", "a");
    second.text = user.arena.keep("app", "b");
    user.give(forward ? first : second);
    user.give(forward ? second : first);
    BOOST_TEST(user.who.plan() == "two");
  }
}

BOOST_AUTO_TEST_CASE(a_user_without_account_facts_is_free_and_has_credits) {
  user_fixture user;
  BOOST_TEST(user.who.plan() == "basic");
  BOOST_TEST(not user.who.credits_exhausted());
}

BOOST_AUTO_TEST_CASE(content_is_locked_while_a_free_plan_has_no_credits) {
  user_fixture user;
  user.credits(true);
  BOOST_TEST(user.decided() == lines{"content_locked credits_exhausted"});
  user.wait(1);
  user.credits(true);
  BOOST_TEST(user.decided().empty());
  BOOST_TEST(user.standing().content_locked);
  user.wait(1);
  user.credits(false);
  BOOST_TEST(user.decided() == lines{"content_unlocked credits_restored"});
  user.wait(1);
  user.credits(true);
  user.plan("pro");
  BOOST_TEST(user.decided() == (lines{"content_locked credits_exhausted", "content_unlocked upgrade"}));
  user.wait(1);
  user.plan("basic");
  BOOST_TEST(user.decided() == lines{"content_locked credits_exhausted"});
}

BOOST_AUTO_TEST_CASE(a_paid_user_is_never_locked) {
  user_fixture user;
  user.plan("pro");
  user.credits(true);
  BOOST_TEST(user.decided().empty());
  BOOST_TEST(not user.standing().content_locked);
}

BOOST_AUTO_TEST_CASE(of_a_conversation_the_newest_version_stays_and_thirty_are_kept) {
  user_fixture user;
  user.wait(day_ms);
  BOOST_TEST((user.converse("c", 1) == applied::accepted));
  BOOST_TEST((user.again() == applied::stale));
  BOOST_TEST((user.converse("c", 2, "work", minute_ms) == applied::stale));
  user.wait(1);
  BOOST_TEST((user.converse("c", 3) == applied::accepted));
  BOOST_REQUIRE(user.who.conversations != nullptr);
  BOOST_TEST(user.who.conversations->size() == 1U);
  BOOST_TEST(user.who.conversations->front().duration_ms == 3);
  for (int i = 0; i < 30; ++i)
    user.converse("d" + std::to_string(i), 1, "work", hour_ms - i);
  BOOST_TEST(user.who.conversations->size() == 30U);
  BOOST_TEST(user.who.conversations->front().id == "d1");
  BOOST_TEST(user.who.conversations->back().id == "c");
}

BOOST_AUTO_TEST_CASE(an_exemption_lifts_what_holds_and_its_end_engages_it_again) {
  user_fixture user;
  user.speak(3 * hour_ms);
  user.set_stage(stage::restrict);
  user.decided();
  user.exempt(true);
  BOOST_TEST(user.out.decisions.front().who == "ada");
  BOOST_TEST(user.out.decisions.front().note == "because");
  const lines exempted{"stage_changed restrict>restrict exempt +30d", "restriction_lifted hard exempt"};
  BOOST_TEST(user.decided() == exempted, boost::test_tools::per_element());
  BOOST_TEST(not user.standing().hard_restricted);
  user.exempt(true);
  BOOST_TEST(user.decided().empty());
  user.wait(hour_ms);
  user.fire_timers();
  user.decided();
  user.exempt(false);
  BOOST_TEST(to_text(user.out.decisions.front().why) == "exemption_ended");
  BOOST_TEST(user.decided(decision_kind::restriction_engaged).size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_dated_exemption_ends_by_itself_after_its_last_instant) {
  user_fixture user;
  user.set_stage(stage::restrict);
  user.speak(3 * hour_ms);
  user.exempt(true, monday + 2 * hour_ms);
  user.decided();
  BOOST_TEST(user.who.next_due == monday + 2 * hour_ms + 1);
  user.wait(2 * hour_ms);
  user.fire_timers();
  BOOST_TEST(user.decided().empty());
  BOOST_TEST(not user.standing().judges);
  // Asked about later than it was decided, it is over.
  BOOST_TEST(query_standing(user.who, user.in_force, 0, user.now + 1).judges);
  user.wait(5 * hour_ms);
  user.fire_timers();
  const lines ended{"exemption_ended restrict +29d21h59m59s999ms @2h1ms",
                    "restriction_engaged hard exemption_ended 3h/2h +22h999ms @2h1ms"};
  BOOST_TEST(user.decided() == ended, boost::test_tools::per_element());
  BOOST_TEST((not user.who.exempt and user.who.exempt_until == never));
}

BOOST_AUTO_TEST_CASE(an_exemption_ends_before_whatever_is_due_at_the_same_instant) {
  auto rules = plain();
  rules.budget.per_utc_day_ms = 30 * minute_ms;
  user_fixture user(rules);
  user.set_stage(stage::restrict);
  user.stt(minute_ms);
  user.exempt(true, monday + day_ms - 1);
  user.decided();
  user.wait(day_ms);
  user.fire_timers();
  const lines both{"exemption_ended restrict +29d @1d", "budget_reset 1m/30m @1d"};
  BOOST_TEST(user.decided() == both, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_later_exemption_replaces_when_it_ends) {
  for (const auto until : {never, monday + 3 * hour_ms}) {
    user_fixture user;
    user.exempt(true, monday + hour_ms);
    user.exempt(true, until);
    BOOST_TEST(user.decided() == (lines{"stage_changed none>none exempt", "stage_changed none>none exempt"}));
    user.wait(day_ms);
    user.fire_timers();
    BOOST_TEST(user.decided() == (until == never ? lines{} : lines{"exemption_ended none @3h1ms"}));
    BOOST_TEST(user.who.exempt == (until == never));
  }
  user_fixture ended;
  ended.exempt(true, monday + hour_ms);
  ended.exempt(false);
  BOOST_TEST(ended.who.next_due == never);
}

BOOST_AUTO_TEST_CASE(an_exemption_that_would_end_before_it_begins_is_refused) {
  user_fixture user;
  BOOST_TEST((user.exempt(true, monday) == applied::past_until));
  BOOST_TEST((user.exempt(true, monday - day_ms) == applied::past_until));
  BOOST_TEST(not user.who.exempt);
  BOOST_TEST(user.decided().empty());
  BOOST_TEST((user.again() == applied::duplicate));
  BOOST_TEST((user.exempt(true, monday + 1) == applied::accepted));
}

BOOST_AUTO_TEST_CASE(an_exemption_ends_under_the_kill_switch_and_while_off_too) {
  for (const bool killed : {true, false}) {
    user_fixture user;
    user.exempt(true, monday + hour_ms);
    user.decided();
    killed ? user.kill(true) : user.enable(false);
    user.wait(2 * hour_ms);
    user.fire_timers();
    BOOST_TEST(user.decided() == lines{"exemption_ended none @1h1ms"});
  }
}

BOOST_AUTO_TEST_CASE(the_kill_switch_keeps_stages_and_timers) {
  user_fixture user;
  user.set_stage(stage::throttle);
  user.decided();
  user.kill(true);
  user.now = monday + 7 * day_ms + 1;
  user.fire_timers();
  BOOST_TEST(user.decided() == lines{"stage_changed throttle>warning stage_ended +30d @7d1ms"});
}

BOOST_AUTO_TEST_CASE(an_admin_command_is_obeyed_once_for_ever) {
  user_fixture user;
  user.set_stage(stage::throttle);
  user.wait(300 * day_ms);
  BOOST_TEST((user.again() == applied::duplicate));
  BOOST_TEST((user.standing().at == stage::none));
  const auto& changed = user.out.decisions.front();
  BOOST_TEST(changed.who == "ada");
  BOOST_TEST(changed.note == "because");
}

BOOST_AUTO_TEST_CASE(a_command_id_used_again_is_counted_when_the_command_says_something_else) {
  admin_command first;
  first.verb = admin_verb::set_stage;
  first.to = stage::throttle;
  first.actor = "ada";
  auto other = first;
  other.to = stage::restrict;
  for (const bool noted_by_an_earlier_build : {false, true}) {
    user_fixture user;
    auto what = user.make(event_kind::admin, 0, first);
    BOOST_TEST((user.give(what) == applied::accepted));
    if (noted_by_an_earlier_build) user.who.admin_ids.front().content = 0;
    const auto key = what.key;
    // A sender that stamps again when it retries.
    what = user.make(event_kind::admin, -1, first);
    what.key = key;
    BOOST_TEST((user.give(what) == applied::duplicate));
    BOOST_TEST(user.out.counts.reused_command_ids == 0U);
    what = user.make(event_kind::admin, 0, other);
    what.key = key;
    BOOST_TEST((user.give(what) == applied::duplicate));
    BOOST_TEST((user.standing().at == stage::throttle));
    BOOST_TEST(user.out.counts.reused_command_ids == (noted_by_an_earlier_build ? 0U : 1U));
    BOOST_TEST(user.out.counts.duplicates == 2U);
  }
}

BOOST_AUTO_TEST_CASE(a_command_about_a_strike_that_is_not_there_is_refused_and_its_id_is_used) {
  struct row {
    const char* when;
    std::uint32_t strike;
    applied how;
  };
  const row rows[] = {{"the user's own", 1, applied::accepted},
                      {"one that is not there", 2, applied::unknown_strike},
                      {"no number", 0, applied::unknown_strike}};
  for (const auto& each : rows)
    for (const bool clears : {true, false})
      BOOST_TEST_CONTEXT(each.when << (clears ? ", clear_strike" : ", resolve")) {
        user_fixture user;
        user.misuse();
        user.decided();
        const auto accepted = user.out.counts.accepted;
        const auto command = [&] { return clears ? user.clear_strike(each.strike) : user.resolve(each.strike); };
        BOOST_TEST((command() == each.how));
        BOOST_TEST(user.out.counts.accepted == accepted + (each.how == applied::accepted ? 1U : 0U));
        BOOST_TEST(user.decided().empty() == not(clears and each.how == applied::accepted));
        BOOST_TEST((user.again() == applied::duplicate));
        // Once more by another id: a strike that was cleared is still there.
        BOOST_TEST((command() == each.how));
      }
}

BOOST_AUTO_TEST_CASE(what_a_command_says_of_a_strike_is_the_number_or_the_reference_as_it_was_named) {
  admin_command numbered;
  numbered.verb = admin_verb::clear_strike;
  numbered.strike = 1;
  // Stored for ever: the value of builds that knew numbers only.
  BOOST_TEST(command_content(numbered) == 2696403533U);
  auto named = numbered;
  named.reference = "FU-0123456789AB";
  BOOST_TEST(command_content(named) != command_content(numbered));
  // The number that was found for it is nothing that the command says.
  auto found_later = named;
  found_later.strike = 0;
  BOOST_TEST(command_content(found_later) == command_content(named));
}

BOOST_AUTO_TEST_CASE(commands_to_all_users_change_nothing_of_one_user) {
  for (const auto verb : {admin_verb::enable, admin_verb::kill_switch, admin_verb::promote_policy}) {
    user_fixture user;
    admin_command what;
    what.verb = verb;
    BOOST_TEST((user.give(user.make(event_kind::admin, 0, what)) == applied::accepted));
    BOOST_TEST(user.decided().empty());
  }
}

BOOST_AUTO_TEST_CASE(an_erasure_in_a_run_erases_the_conversations_before_it) {
  struct one_talk : conversation_source {
    explicit one_talk(const event& said) : talk(said) {}
    conversation_outline outline(std::size_t) const override { return {}; }
    event conversation(std::size_t, event) const override { return talk; }
    event talk;
  };
  user_fixture user;
  conversation_fact said;
  said.conversation = "c-1";
  const one_talk talks(user.make(event_kind::conversation, 0, said));
  const auto erasure = user.make(event_kind::erasure, 0, erasure_request{"ada", "on request"});
  const std::vector<time_ms> now(3, user.now);
  const std::vector<std::int32_t> place(3, 0);
  const std::vector<run_tag> tag{{event_kind::conversation, lane::realtime},
                                 {event_kind::erasure, lane::realtime, true},
                                 {event_kind::speech, lane::realtime}};
  event_columns run;
  run.now = run.instant = now.data();
  run.ms = place.data();
  run.tag = tag.data();
  run.first_key = 77;
  run.whole = {&erasure, 1};
  run.conversations = &talks;
  run.count = 3;
  BOOST_TEST(apply(user.who, user.in_force, run, 0, 3, user.out) == 3U);
  BOOST_TEST(user.decided() == lines{"user_erased ada"});
  // What a run said is read when something asks for it.
  user.wait(1);
  user.converse("c-2", minute_ms);
  BOOST_REQUIRE(user.who.conversations != nullptr);
  BOOST_TEST(user.who.conversations->size() == 1U);
}

BOOST_AUTO_TEST_CASE(an_erasure_leaves_numbers_and_admin_ids_and_nothing_else) {
  auto shadow = plain();
  shadow.name = "s";
  user_fixture user(plain(), {shadow});
  user.wait(day_ms);
  user.credits(true);
  user.speak(3 * hour_ms);
  user.converse("c", 1);
  user.plan("pro");
  user.speak(0);
  user.exempt(true);
  const auto command = user.who.admin_ids;
  user.decided();
  user.erase();
  BOOST_TEST(user.decided() == lines{"user_erased ada"});
  BOOST_TEST(user.sum() == 0);
  BOOST_TEST((user.who.account == nullptr and user.who.conversations == nullptr and not user.who.exempt));
  BOOST_TEST((user.who.admin_ids == command));
  BOOST_TEST(user.standing().strikes_7d == 0U);
  BOOST_TEST((user.standing().at == stage::none));
  BOOST_TEST(user.who.next_due == never);
  BOOST_TEST(user.who.standings[0]->last_strike == 1U);
  // Numbers go on.
  user.wait(1);
  user.speak(3 * hour_ms);
  BOOST_TEST(user.decided(decision_kind::review_requested) == lines{"review_requested 1 daily"});
  user.answer("live-1", 0.9);
  BOOST_TEST(user.decided(decision_kind::strike_added) == lines{"strike_added 2 900 audiobook none>warning 0,0"});
}

BOOST_AUTO_TEST_CASE(what_was_before_an_erasure_is_refused_and_the_later_erasure_wins) {
  user_fixture user;
  user.wait(day_ms);
  user.erase(hour_ms); // It holds up to now.
  user.decided();
  BOOST_TEST((user.speak(1000) == applied::erased));
  BOOST_TEST((user.stt(1000) == applied::erased));
  BOOST_TEST((user.plan("pro") == applied::erased));
  BOOST_TEST((user.converse("c", 1) == applied::erased));
  BOOST_TEST((user.set_stage(stage::warning) == applied::erased));
  BOOST_TEST((user.erase() == applied::duplicate));
  BOOST_TEST(user.decided().empty());
  BOOST_TEST(user.out.counts.erased == 5U);
  user.wait(1);
  BOOST_TEST((user.speak(1000) == applied::accepted));
  BOOST_TEST((user.erase() == applied::accepted));
  BOOST_TEST(user.decided() == lines{"user_erased ada"});
  BOOST_TEST(user.sum() == 0);
}

BOOST_AUTO_TEST_CASE(an_erasure_ahead_of_now_holds_up_to_its_own_instant) {
  user_fixture user;
  user.erase(-minute_ms);
  BOOST_TEST((user.speak(1000, lane::realtime, -minute_ms) == applied::erased));
  BOOST_TEST((user.speak(1000, lane::realtime, -minute_ms - 1) == applied::accepted));
}

BOOST_AUTO_TEST_CASE(changes_are_noted_for_the_writer) {
  user_fixture user;
  user.who.changed.track = true;
  const auto& changed = user.who.changed;
  user.wait(hour_ms + minute_ms);
  user.speak_segments({{0, 1000}, {2 * minute_ms, 3 * minute_ms}}, 2 * minute_ms);
  BOOST_TEST(changed.bucket_hours.size() == 2U);
  BOOST_TEST(changed.id_hours.size() == 1U);
  BOOST_TEST((not changed.core and changed.standings == 0 and not changed.conversations));
  user.who.changed.clear();
  user.again();
  BOOST_TEST(not changed.any());
  user.converse("c", 1);
  BOOST_TEST((changed.conversations and not changed.core));
  user.who.changed.clear();
  user.plan("pro");
  BOOST_TEST(changed.core);
  user.who.changed.clear();
  user.set_stage(stage::warning);
  BOOST_TEST((changed.core and changed.standings == 1));
  user.who.changed.clear();
  user.erase();
  BOOST_TEST(changed.erased);
  BOOST_TEST(changed.track);
}

BOOST_AUTO_TEST_SUITE_END()
