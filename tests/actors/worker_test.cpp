// SPDX-License-Identifier: Apache-2.0
//
// The worker with its shard and user actors, from an epoch to the recorded decisions.
#include "actors/worker.hpp"

#include <boost/test/unit_test.hpp>

#include "events/time_text.hpp"
#include "tests/actors/worker_fixture.hpp"
#include "tests/core/user_fixture.hpp"

using namespace fairuse;
using test::given_epoch;
using test::lines;
using test::monday;
using test::shadow;
using test::worker_fixture;

namespace {

/// A worker_fixture that makes events.
struct fixture : worker_fixture {
  using worker_fixture::worker_fixture;
  event_arena arena;
  int serial = 0;

  event fact(time_ms at, event_kind kind = event_kind::speech, event_detail detail = {}) {
    return test::numbered_event(arena, ++serial, kind, at, std::move(detail));
  }
  addressed_event speech(std::string_view uid, time_ms at, std::int64_t ms) {
    auto given = fact(at);
    given.ms = static_cast<std::int32_t>(ms);
    return {uid, given};
  }
  addressed_event set_stage(std::string_view uid, time_ms at, stage to) {
    admin_command what;
    what.verb = admin_verb::set_stage;
    what.to = to;
    return {uid, fact(at, event_kind::admin, what)};
  }
  addressed_event verdict(std::string_view uid, time_ms at, const std::string& request) {
    review_answer answer;
    answer.request = request;
    answer.score_nano = 900'000'000;
    answer.type = usage_type::audiobook;
    return {uid, fact(at, event_kind::review, answer)};
  }
  addressed_event about_strike(std::string_view uid, time_ms at, admin_verb verb, const std::string& reference) {
    admin_command what;
    what.verb = verb;
    what.reference = reference;
    what.actor = "ada";
    return {uid, fact(at, event_kind::admin, what)};
  }
  event command(time_ms at, admin_verb verb, bool on, const std::string& policy = {}, const std::string& digest = {}) {
    admin_command what;
    what.digest = digest;
    what.verb = verb;
    what.on = on;
    what.policy = policy;
    what.actor = "ada";
    what.reason = "because";
    return fact(at, event_kind::admin, what);
  }
  /// What the last epoch decided.
  lines decided() const {
    lines all;
    for (const auto& each : notes.decisions)
      all.push_back(test::brief(each, monday));
    return all;
  }
};

std::shared_ptr<const policy_set> one_policy() { return policy_set::make(test::plain(), {}); }

} // namespace

BOOST_AUTO_TEST_SUITE(workers)

BOOST_AUTO_TEST_CASE(outcomes_come_in_uid_order_and_only_of_users_with_something_to_do) {
  fixture worker_under_test(one_policy());
  worker_under_test.run({monday,
                         {worker_under_test.speech("m", monday, 1), worker_under_test.speech("a", monday, 1),
                          worker_under_test.speech("z", monday, 1)},
                         {},
                         {}});
  BOOST_TEST(worker_under_test.notes.order == (lines{"a", "m", "z"}), boost::test_tools::per_element());
  worker_under_test.run({monday + 1, {worker_under_test.speech("m", monday + 1, 1)}, {}, {}});
  BOOST_TEST(worker_under_test.notes.order == lines{"m"});
  worker_under_test.run({monday + 2, {}, {}, {}});
  BOOST_TEST(worker_under_test.notes.order.empty());
  BOOST_TEST(worker_under_test.engine().active_users() == 3U);
  BOOST_TEST(worker_under_test.engine().find("m")->ids.keys(hour_of(monday)).size() == 2U);
  BOOST_TEST(worker_under_test.engine().find("nobody") == nullptr);
}

BOOST_AUTO_TEST_CASE(timers_of_idle_and_passivated_users_fire) {
  shard_options options;
  options.max_active_users = 0;
  fixture worker_under_test(one_policy(), options);
  worker_under_test.run(
      {monday,
       {worker_under_test.speech("a", monday, 3 * hour_ms), worker_under_test.set_stage("b", monday, stage::throttle)},
       {},
       {}});
  worker_under_test.engine().passivate();
  BOOST_TEST(worker_under_test.engine().active_users() == 0U);
  BOOST_TEST(worker_under_test.engine().next_due() == monday + 30 * minute_ms + 1);
  worker_under_test.run({monday + 30 * minute_ms, {}, {}, {}});
  BOOST_TEST(worker_under_test.notes.order.empty());
  worker_under_test.run({monday + hour_ms, {}, {}, {}});
  BOOST_TEST(worker_under_test.decided() == lines{"review_timed_out 1 @30m1ms"});
  worker_under_test.run({monday + 8 * day_ms, {worker_under_test.speech("c", monday + 8 * day_ms, 1)}, {}, {}});
  BOOST_TEST(worker_under_test.decided() == lines{"stage_changed throttle>warning stage_ended +30d @7d1ms"});
  BOOST_TEST(worker_under_test.notes.order == (lines{"b", "c"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(only_written_users_are_passivated_the_least_recent_first) {
  shard_options options;
  options.max_active_users = 1;
  fixture worker_under_test(one_policy(), options);
  worker_under_test.notes.commits_every_epoch = false;
  worker_under_test.run(
      {monday, {worker_under_test.speech("a", monday, 1), worker_under_test.speech("b", monday, 1)}, {}, {}});
  worker_under_test.run({monday + 1, {worker_under_test.speech("a", monday + 1, 1)}, {}, {}});
  worker_under_test.engine().passivate();
  BOOST_TEST(worker_under_test.engine().active_users() == 2U);
  worker_under_test.notes.commit();
  worker_under_test.engine().passivate();
  BOOST_TEST(worker_under_test.engine().active_users() == 1U);
  BOOST_TEST(worker_under_test.engine().find("a") != nullptr);
  BOOST_TEST(worker_under_test.engine().find("b") == nullptr);
}

BOOST_AUTO_TEST_CASE(all_absent_users_are_loaded_at_once_and_unchanged) {
  shard_options options;
  options.max_active_users = 0;
  fixture worker_under_test(one_policy(), options);
  worker_under_test.run(
      {monday, {worker_under_test.speech("a", monday, 2 * hour_ms), worker_under_test.speech("b", monday, 1)}, {}, {}});
  worker_under_test.engine().passivate();
  worker_under_test.run({monday + 1,
                         {worker_under_test.speech("b", monday + 1, 1), worker_under_test.speech("a", monday + 1, 1)},
                         {},
                         {}});
  BOOST_TEST(worker_under_test.store.loads == 4U);
  BOOST_TEST(worker_under_test.decided() == (lines{"cap_crossed daily 2h1ms/2h", "review_requested 1 daily"}));
}

BOOST_AUTO_TEST_CASE(a_duplicate_of_days_ago_is_counted_as_one) {
  for (const bool passivates : {true, false}) {
    shard_options options;
    options.max_active_users = passivates ? 0 : 10;
    fixture worker_under_test(one_policy(), options);
    const auto given = worker_under_test.speech("a", monday, 1000);
    worker_under_test.run({monday, {given}, {}, {}});
    worker_under_test.engine().passivate();
    // The first event of a new hour.
    worker_under_test.run({monday + 3 * day_ms, {given}, {}, {}});
    BOOST_TEST(worker_under_test.notes.counts.duplicates == 1U);
    worker_under_test.engine().passivate();
    // The hour still has its id for the second duplicate.
    worker_under_test.run({monday + 4 * day_ms, {given, worker_under_test.speech("a", monday, 5)}, {}, {}});
    worker_under_test.engine().passivate();
    worker_under_test.run({monday + 5 * day_ms, {given}, {}, {}});
    BOOST_TEST(worker_under_test.notes.counts.duplicates == 3U);
    BOOST_TEST(worker_under_test.notes.counts.accepted == 2U);
  }
}

BOOST_AUTO_TEST_CASE(refused_events_are_reported_with_their_reason) {
  fixture worker_under_test(one_policy());
  const auto now = monday + 30 * day_ms;
  worker_under_test.run({now,
                         {worker_under_test.speech("a", monday, 1),
                          worker_under_test.speech("a", now + hour_ms, 1),
                          {"a", worker_under_test.fact(now - 1, event_kind::erasure, erasure_request{})},
                          worker_under_test.speech("a", now - 2, 1),
                          worker_under_test.speech("a", now, 1)},
                         {},
                         {}});
  const std::vector<std::pair<std::string, applied>> expected{
      {"e1", applied::too_old}, {"e5", applied::erased}, {"e2", applied::future}};
  BOOST_TEST((worker_under_test.notes.refused == expected));
}

BOOST_AUTO_TEST_CASE(a_strike_is_named_by_its_number_or_by_its_reference) {
  shard_options options;
  options.case_of = [](std::string_view uid, std::uint32_t strike) {
    return "FU-" + std::string(uid) + "-" + std::to_string(strike);
  };
  fixture worker_under_test(one_policy(), options);
  auto now = monday;
  // Two strikes a day apart; each answer and command in an epoch of its own.
  for (const std::string request : {"live-1", "live-2"}) {
    worker_under_test.run({now, {worker_under_test.speech("a", now, 3 * hour_ms)}, {}, {}});
    worker_under_test.run({now + 1, {worker_under_test.verdict("a", now + 1, request)}, {}, {}});
    now += day_ms + 1;
  }
  struct row {
    admin_verb verb;
    std::string reference;
    lines decided;
    std::string note;
  };
  const std::string has = "The user's strikes are 1 (FU-a-1), 2 (FU-a-2).";
  const row rows[] = {
      {admin_verb::clear_strike, "FU-b-1", {}, has},
      {admin_verb::resolve, "FU-a-3", {}, has},
      {admin_verb::resolve, "FU-a-2", {}, ""},
      {admin_verb::clear_strike, "FU-a-1", {"strike_cleared 1 admin", "stage_changed warning>warning admin +30d"}, ""},
      {admin_verb::appeal, "FU-a-1", {}, "The strike is cleared, so there is nothing to appeal against."},
      {admin_verb::restore_strike,
       "FU-a-1",
       {"strike_restored 1 admin", "stage_changed warning>warning admin +30d"},
       ""},
      {admin_verb::appeal, "FU-a-1", {"appeal_opened 1 admin"}, ""},
      {admin_verb::appeal, "FU-a-1", {}, "An appeal is open already."},
  };
  for (const auto& each : rows)
    BOOST_TEST_CONTEXT(each.reference) {
      const auto command = worker_under_test.about_strike("a", now, each.verb, each.reference);
      worker_under_test.run({now, {command}, {}, {}});
      BOOST_TEST(worker_under_test.notes.refused.size() == (each.note.empty() ? 0U : 1U));
      BOOST_TEST(worker_under_test.notes.refusal_notes == each.note);
      auto decided = worker_under_test.decided();
      for (auto& one : decided)
        if (one.starts_with("stage_changed")) one = one.substr(0, one.find(" +")) + " +30d";
      BOOST_TEST(decided == each.decided, boost::test_tools::per_element());
      worker_under_test.run({now, {command}, {}, {}});
      BOOST_TEST(worker_under_test.notes.refused.empty());
      now += 1;
    }
  BOOST_TEST(worker_under_test.notes.counts.duplicates == std::size(rows));
  BOOST_TEST(worker_under_test.notes.counts.reused_command_ids == 0U);
}

BOOST_AUTO_TEST_CASE(without_a_case_key_no_strike_has_a_reference) {
  fixture worker_under_test(one_policy());
  worker_under_test.run({monday, {worker_under_test.speech("a", monday, 3 * hour_ms)}, {}, {}});
  worker_under_test.run({monday + 1, {worker_under_test.verdict("a", monday + 1, "live-1")}, {}, {}});
  for (const std::string uid : {"a", "b"}) {
    worker_under_test.run(
        {monday + 2, {worker_under_test.about_strike(uid, monday + 2, admin_verb::clear_strike, "FU-a-1")}, {}, {}});
    BOOST_REQUIRE(worker_under_test.notes.refused.size() == 1U);
    BOOST_TEST((worker_under_test.notes.refused.front().second == applied::unknown_strike));
    BOOST_TEST(worker_under_test.notes.refusal_notes
               == (uid == "a" ? "The user's strikes are 1." : "The user has no strike now."));
  }
}

BOOST_AUTO_TEST_CASE(a_command_to_all_users_takes_its_place_in_the_order) {
  fixture worker_under_test(one_policy());
  // The command is first in the input, and between the two events in their order.
  const auto now = monday + 10;
  const auto kill = worker_under_test.command(monday + 5, admin_verb::kill_switch, true);
  worker_under_test.run(
      {now,
       {worker_under_test.speech("b", monday + 7, 3 * hour_ms), worker_under_test.speech("a", monday + 3, 3 * hour_ms)},
       {kill},
       {}});
  BOOST_TEST(worker_under_test.decided() == (lines{"cap_crossed daily 3h/2h", "review_requested 1 daily"}));
  BOOST_TEST(worker_under_test.engine().in_force().killed);
  worker_under_test.run({now + 1,
                         {worker_under_test.speech("b", now, 0)},
                         {kill, worker_under_test.command(now, admin_verb::kill_switch, false)},
                         {}});
  BOOST_TEST(worker_under_test.decided() == lines{}); // e1 < the command: still killed
  BOOST_TEST(worker_under_test.notes.duplicate_commands == 1U);
  BOOST_TEST(not worker_under_test.engine().in_force().killed);
  worker_under_test.run({now + 2, {worker_under_test.speech("b", now + 2, 0)}, {}, {}});
  BOOST_TEST(worker_under_test.decided() == lines{"review_requested 1 daily"});
}

BOOST_AUTO_TEST_CASE(switching_off_and_on_in_one_epoch_holds_in_between) {
  fixture worker_under_test(one_policy());
  const auto off = worker_under_test.command(monday + 2, admin_verb::enable, false);
  const auto on = worker_under_test.command(monday + 4, admin_verb::enable, true);
  worker_under_test.run({monday + 9,
                         {worker_under_test.speech("a", monday + 1, 1), worker_under_test.speech("a", monday + 3, 10),
                          worker_under_test.speech("a", monday + 5, 100)},
                         {on, off},
                         {}});
  const auto view =
      query_standing(*worker_under_test.engine().find("a"), worker_under_test.engine().in_force(), 0, monday + 9);
  BOOST_TEST(view.windows[0].sum_ms == 101); // `off: nothing`: what came in between does not count.
  BOOST_TEST(worker_under_test.engine().in_force().enabled);
  BOOST_TEST(worker_under_test.notes.command_ids.size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_switch_that_changes_what_holds_says_who_and_why) {
  fixture worker_under_test(one_policy());
  const auto switched = [&](time_ms now, admin_verb verb, bool on) {
    worker_under_test.run({now, {}, {worker_under_test.command(now, verb, on)}, {}});
    lines told;
    for (const auto& each : worker_under_test.notes.broadcast)
      told.push_back(test::brief(each, monday) + " by " + each.who + ": " + each.note);
    return told;
  };
  BOOST_TEST(switched(monday, admin_verb::enable, true) == lines{}); // It is on.
  BOOST_TEST(switched(monday + 1, admin_verb::enable, false)
             == lines{"stage_changed none>none system_off by ada: because"});
  BOOST_TEST(switched(monday + 2, admin_verb::enable, true)
             == lines{"stage_changed none>none system_on by ada: because"});
  BOOST_TEST(switched(monday + 3, admin_verb::kill_switch, true)
             == lines{"stage_changed none>none kill_switch by ada: because"});
  BOOST_TEST(switched(monday + 4, admin_verb::kill_switch, false)
             == lines{"stage_changed none>none kill_switch_off by ada: because"});
}

BOOST_AUTO_TEST_CASE(the_configuration_that_a_store_begins_with_is_no_change) {
  fixture worker_under_test(one_policy(), {}, true);
  auto on = worker_under_test.command(monday, admin_verb::enable, true);
  const event_text by_configuration{config_source, on.text->id};
  on.text = &by_configuration;
  worker_under_test.run({monday, {worker_under_test.speech("a", monday, 1)}, {on}, {}});
  BOOST_TEST(worker_under_test.notes.broadcast.size() == 0U);
  auto off = worker_under_test.command(monday + 1, admin_verb::enable, false);
  const event_text changed{config_source, off.text->id};
  off.text = &changed;
  worker_under_test.run({monday + 1, {}, {off}, {}});
  BOOST_TEST(worker_under_test.notes.broadcast.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_promotion_in_the_middle_of_an_epoch_loses_nothing) {
  for (const bool passivates : {true, false}) {
    auto coarse = shadow("coarse");
    coarse.metering.bucket_s = 300;
    shard_options options;
    options.max_active_users = passivates ? 0 : 10;
    fixture worker_under_test(policy_set::make(test::plain(), {coarse, shadow("other")}), options);
    worker_under_test.run(
        {monday,
         {worker_under_test.speech("a", monday, 2 * hour_ms), worker_under_test.speech("b", monday, 2 * hour_ms)},
         {},
         {}});
    worker_under_test.engine().passivate();
    // a speaks before the promotion, b behind it; both have 2 h under both rules.
    const auto now = monday + hour_ms;
    const auto promote = worker_under_test.command(now - 2, admin_verb::promote_policy, false, "coarse");
    worker_under_test.run(
        {now, {worker_under_test.speech("a", now - 3, 1), worker_under_test.speech("b", now - 1, 1)}, {promote}, {}});
    BOOST_TEST(
        worker_under_test.decided()
            == (lines{"cap_crossed daily 2h1ms/2h", "review_requested 1 daily", "coarse: cap_crossed daily 2h1ms/2h",
                      "coarse: review_unanswered daily", "other: cap_crossed daily 2h1ms/2h",
                      "other: review_unanswered daily", "cap_crossed daily 2h1ms/2h", "review_requested 1 daily",
                      "other: cap_crossed daily 2h1ms/2h", "other: review_unanswered daily"}),
        boost::test_tools::per_element());
    BOOST_TEST_REQUIRE(worker_under_test.notes.broadcast.size() == 1U);
    BOOST_TEST(test::brief(worker_under_test.notes.broadcast[0], monday) == "policy_promoted ada");
    BOOST_TEST(worker_under_test.notes.broadcast[0].promoted == "coarse");
    worker_under_test.engine().passivate();
    worker_under_test.run(
        {now + 1, {worker_under_test.speech("a", now + 1, 0), worker_under_test.speech("b", now + 1, 1)}, {}, {}});
    for (const auto* uid : {"a", "b"}) {
      const auto view =
          query_standing(*worker_under_test.engine().find(uid), worker_under_test.engine().in_force(), 0, now + 1);
      BOOST_TEST(view.windows[0].sum_ms == 2 * hour_ms + (*uid == 'a' ? 1 : 2));
      BOOST_TEST(view.slot->label.policy == "coarse");
      BOOST_TEST(view.pending_request == 1U);
    }
    for (const auto& line : worker_under_test.decided())
      BOOST_TEST(line.starts_with("other: "));
  }
}

BOOST_AUTO_TEST_CASE(a_promotion_reaches_idle_users_whom_the_new_rules_would_not_block) {
  for (const bool passivates : {true, false}) {
    auto lax = shadow("lax");
    lax.windows[0].cap_ms = 10 * hour_ms;
    lax.plans.clear();
    shard_options options;
    options.max_active_users = passivates ? 0 : 10;
    fixture worker_under_test(policy_set::make(test::plain(), {lax}), options);
    worker_under_test.run({monday,
                           {worker_under_test.set_stage("a", monday, stage::restrict),
                            worker_under_test.speech("a", monday, 3 * hour_ms)},
                           {},
                           {}});
    worker_under_test.engine().passivate();
    const auto now = monday + hour_ms;
    worker_under_test.run({now, {}, {worker_under_test.command(now, admin_verb::promote_policy, false, "lax")}, {}});
    BOOST_TEST(worker_under_test.decided() == lines{"restriction_lifted hard drained @1h"});
  }
}

BOOST_AUTO_TEST_CASE(a_promotion_that_cannot_be_is_reported_and_changes_nothing) {
  auto young = shadow("young");
  young.metering.bucket_s = 300;
  fixture worker_under_test(policy_set::make(test::plain(), {young, shadow("old")}, 8 * day_ms, review_mode::shared,
                                             {{{young.metering, monday}}, {}}));
  const auto* before = worker_under_test.engine().in_force().policies;
  worker_under_test.run(
      {monday, {}, {worker_under_test.command(monday, admin_verb::promote_policy, false, "nobody")}, {}});
  worker_under_test.run(
      {monday, {}, {worker_under_test.command(monday, admin_verb::promote_policy, false, "young")}, {}});
  worker_under_test.run(
      {monday, {}, {worker_under_test.command(monday, admin_verb::promote_policy, false, "live")}, {}});
  BOOST_TEST(worker_under_test.notes.impossible_commands
                 == (lines{"No shadow is called 'nobody'; loaded are old, young.",
                           "young is incomplete until " + to_time_text(monday + day_ms) + ".",
                           "No shadow is called 'live'; loaded are old, young."}),
             boost::test_tools::per_element());
  BOOST_TEST(worker_under_test.engine().in_force().policies == before);
  const auto promote = [&](const std::string& of) {
    worker_under_test.run(
        {monday, {}, {worker_under_test.command(monday, admin_verb::promote_policy, false, "old", of)}, {}});
  };
  // The digest of a policy of these tests is its name.
  promote("older");
  BOOST_TEST(worker_under_test.notes.impossible_commands.back() == "old is old, and not older.");
  BOOST_TEST(worker_under_test.engine().in_force().policies == before);
  promote("ol");
  BOOST_TEST(worker_under_test.engine().in_force().policies->live().label.policy == "old");
  worker_under_test.run({monday, {}, {worker_under_test.command(monday, admin_verb::promote_policy, true, "old")}, {}});
  BOOST_TEST(worker_under_test.notes.impossible_commands.back() == "old is live already.");
}

BOOST_AUTO_TEST_CASE(timers_fire_under_the_controls_at_their_due_instant) {
  auto other = shadow("other");
  for (auto& step : other.steps)
    step.falls_to = stage::none;
  for (const bool before : {true, false}) {
    fixture worker_under_test(policy_set::make(test::plain(), {other}));
    worker_under_test.run({monday, {worker_under_test.set_stage("a", monday, stage::throttle)}, {}, {}});
    const auto due = monday + 7 * day_ms + 1;
    const auto promoted_at = before ? due : due + 1;
    worker_under_test.run(
        {due + hour_ms, {}, {worker_under_test.command(promoted_at, admin_verb::promote_policy, false, "other")}, {}});
    BOOST_TEST(worker_under_test.decided().front().starts_with(before ? "stage_changed throttle>none"
                                                                      : "stage_changed throttle>warning"));
  }
}

BOOST_AUTO_TEST_CASE(a_restarted_worker_keeps_commands_timers_and_the_last_now) {
  fixture worker_under_test(policy_set::make(test::plain(), {shadow("s")}));
  const auto promote = worker_under_test.command(monday, admin_verb::promote_policy, false, "s");
  const auto kill = worker_under_test.command(monday, admin_verb::kill_switch, true);
  worker_under_test.run({monday, {worker_under_test.set_stage("a", monday, stage::throttle)}, {promote, kill}, {}});
  worker_under_test.restart();
  BOOST_TEST(worker_under_test.engine().next_due() == monday + 7 * day_ms + 1);
  BOOST_TEST(worker_under_test.engine().in_force().killed);
  BOOST_TEST(worker_under_test.engine().in_force().policies->live().label.policy == "s");
  worker_under_test.run({monday + 1, {}, {promote, kill}, {}});
  BOOST_TEST(worker_under_test.notes.duplicate_commands == 2U);
  BOOST_TEST(worker_under_test.notes.reused_ids == 0U);
  auto revive = worker_under_test.command(monday, admin_verb::kill_switch, false);
  revive.key = kill.key;
  worker_under_test.run({monday + 2, {}, {revive}, {}});
  BOOST_TEST(worker_under_test.notes.duplicate_commands == 3U);
  BOOST_TEST(worker_under_test.notes.reused_ids == 1U);
  BOOST_TEST(worker_under_test.engine().in_force().killed);
  BOOST_TEST(worker_under_test.notes.impossible_commands.empty());
}

BOOST_AUTO_TEST_CASE(an_overfull_set_of_timers_is_fired_in_pieces_by_uid) {
  fixture worker_under_test(one_policy());
  const auto due = monday + 7 * day_ms + 1;
  for (const auto* uid : {"c", "a", "b"})
    worker_under_test.run({monday, {worker_under_test.set_stage(uid, monday, stage::throttle)}, {}, {}});
  BOOST_TEST(worker_under_test.engine().due_users(due, 10) == 3U);
  BOOST_TEST(worker_under_test.engine().due_users(due, 2) == 2U);
  BOOST_TEST(worker_under_test.engine().due_users(due - 1, 10) == 0U);
  given_epoch some{due, {}, {}, {}};
  some.timers_max = 2;
  worker_under_test.notes.records_nothing = true;
  worker_under_test.run(some);
  worker_under_test.engine().roll_back();
  worker_under_test.notes.records_nothing = false;
  BOOST_TEST(worker_under_test.engine().due_users(due, 10) == 3U);
  worker_under_test.run(some);
  BOOST_TEST(worker_under_test.notes.order == (lines{"a", "b"}), boost::test_tools::per_element());
  worker_under_test.run({due, {worker_under_test.speech("d", due, 1)}, {}, {}});
  BOOST_TEST(worker_under_test.notes.order == (lines{"c", "d"}), boost::test_tools::per_element());
  BOOST_TEST(worker_under_test.engine().due_users(due, 10) == 0U);
}

BOOST_AUTO_TEST_CASE(a_command_that_was_rolled_back_takes_effect_the_next_time) {
  fixture worker_under_test(policy_set::make(test::plain(), {shadow("s")}));
  const auto promote = worker_under_test.command(monday, admin_verb::promote_policy, false, "s");
  worker_under_test.notes.records_nothing = true;
  worker_under_test.run({monday, {}, {promote, worker_under_test.command(monday, admin_verb::kill_switch, true)}, {}});
  worker_under_test.engine().roll_back();
  worker_under_test.notes.records_nothing = false;
  BOOST_TEST(not worker_under_test.engine().in_force().killed);
  worker_under_test.run({monday, {}, {promote}, {}});
  BOOST_TEST(worker_under_test.notes.duplicate_commands == 0U);
  BOOST_TEST(worker_under_test.engine().in_force().policies->live().label.policy == "s");
}

BOOST_AUTO_TEST_CASE(a_user_stops_at_a_request_and_goes_on_with_what_is_left) {
  fixture worker_under_test(policy_set::make(test::plain(), {}, 8 * day_ms, review_mode::alone));
  const controls in_force{true, false, worker_under_test.options.policies.get()};
  std::vector<event> events;
  for (const auto at : {0, 1, 2})
    events.push_back(worker_under_test.speech("a", monday + at, 3 * hour_ms).what);
  const std::vector<step> steps{
      {monday, &in_force, 0, 1}, {monday + 1, &in_force, 1, 1}, {monday + day_ms, &in_force, 2, 1}};
  user who;
  outcome result;
  const slice given{"a", steps, events, {}};
  BOOST_TEST(remaining_steps(given, result).steps.size() == 3U);
  worker_under_test.run({monday + day_ms, {}, {}, {given}});
  BOOST_TEST(worker_under_test.decided()
                 == (lines{"cap_crossed daily 3h/2h", "review_requested 1 daily", "review_timed_out 1 @30m1ms",
                           "review_requested 2 daily"}),
             boost::test_tools::per_element());
  BOOST_TEST(worker_under_test.engine().find("a")->sums.policies == in_force.policies);
}

BOOST_AUTO_TEST_SUITE_END()
