// SPDX-License-Identifier: Apache-2.0
#include <boost/test/unit_test.hpp>

#include "tests/core/user_fixture.hpp"

using namespace fairuse;
using namespace fairuse::test;

namespace {

constexpr auto cooldown = 12 * hour_ms + 1;

/// Verdicts as close together as the cooldown allows.
void misuse_times(user_fixture& user, int count) {
  for (int i = 0; i < count; ++i) {
    if (i > 0) user.wait(cooldown);
    user.misuse();
  }
}

lines stages(user_fixture& user) { return user.decided(decision_kind::stage_changed); }

} // namespace

BOOST_AUTO_TEST_SUITE(ladder)

BOOST_AUTO_TEST_CASE(the_fastest_way_to_restrict_is_36_hours) {
  user_fixture user;
  misuse_times(user, 1);
  BOOST_TEST(stages(user) == lines{"stage_changed none>warning verdict +30d"});
  user.wait(cooldown);
  user.misuse(); // One strike before it: not yet two.
  BOOST_TEST(stages(user).empty());
  user.wait(cooldown);
  user.misuse();
  BOOST_TEST(stages(user) == lines{"stage_changed warning>throttle verdict +7d"});
  user.wait(cooldown);
  user.misuse();
  BOOST_TEST(stages(user) == lines{"stage_changed throttle>restrict verdict +30d"});
  BOOST_TEST(user.now == monday + 36 * hour_ms + 3);
  BOOST_TEST(user.standing().strikes_7d == 4U);
}

BOOST_AUTO_TEST_CASE(one_step_a_verdict_and_prior_strikes_are_those_before_it) {
  user_fixture user;
  misuse_times(user, 2);
  user.decided();
  user.wait(cooldown);
  user.misuse();
  BOOST_TEST(user.decided(decision_kind::strike_added) == lines{"strike_added 3 900 audiobook warning>throttle 2,2"});
}

BOOST_AUTO_TEST_CASE(strikes_count_while_they_are_within) {
  struct row {
    std::int64_t third_after_ms; ///< after the first
    const char* decided;
  };
  const row rows[] = {
      {7 * day_ms, "strike_added 3 900 audiobook warning>throttle 2,2"},
      {7 * day_ms + 1, "strike_added 3 900 audiobook warning>warning 1,2"},
  };
  for (const auto& each : rows) {
    user_fixture user;
    misuse_times(user, 2);
    user.decided();
    user.now = monday + each.third_after_ms;
    user.misuse();
    BOOST_TEST(user.decided(decision_kind::strike_added) == lines{each.decided});
  }
}

BOOST_AUTO_TEST_CASE(prior_strikes_of_30_days_and_numbers_for_life) {
  user_fixture user;
  user.misuse();
  user.now = monday + 30 * day_ms;
  user.decided();
  user.misuse();
  BOOST_TEST(user.decided(decision_kind::strike_added) == lines{"strike_added 2 900 audiobook warning>warning 0,1"});
  user.now = monday + 60 * day_ms + 1;
  user.misuse();
  BOOST_TEST(user.decided(decision_kind::strike_added) == lines{"strike_added 3 900 audiobook none>warning 0,0"});
}

BOOST_AUTO_TEST_CASE(a_stage_holds_at_its_last_instant_and_ends_a_ms_later) {
  user_fixture user;
  user.misuse();
  user.decided();
  user.now = monday + 30 * day_ms;
  user.fire_timers();
  BOOST_TEST(user.decided().empty());
  BOOST_TEST((user.standing().at == stage::warning));
  user.wait(1);
  user.fire_timers();
  BOOST_TEST(user.decided() == lines{"stage_changed warning>none stage_ended @30d1ms"});
}

BOOST_AUTO_TEST_CASE(ends_are_chained_from_their_due_instants_however_late_they_fire) {
  lines in_time;
  lines late;
  for (const bool on_time : {true, false}) {
    user_fixture user;
    user.set_stage(stage::restrict);
    user.decided();
    for (int day = 0; on_time and day < 80; ++day) {
      user.fire_timers();
      user.wait(day_ms);
    }
    user.now = monday + 80 * day_ms;
    user.fire_timers();
    (on_time ? in_time : late) = user.decided();
  }
  BOOST_TEST(late
                 == (lines{"stage_changed restrict>throttle stage_ended +7d @30d1ms",
                           "stage_changed throttle>warning stage_ended +30d @37d2ms",
                           "stage_changed warning>none stage_ended @67d3ms"}),
             boost::test_tools::per_element());
  BOOST_TEST(in_time == late);
}

BOOST_AUTO_TEST_CASE(a_question_about_later_shows_the_stages_that_are_over_by_then) {
  user_fixture user;
  user.set_stage(stage::restrict);
  struct row {
    std::int64_t after_ms;
    stage at;
    std::int64_t since_ms;
  };
  for (const auto& [after_ms, at, since_ms] : {
           row{30 * day_ms, stage::restrict, 0},
           row{30 * day_ms + 1, stage::throttle, 30 * day_ms + 1},
           row{37 * day_ms + 2, stage::warning, 37 * day_ms + 2},
           row{68 * day_ms, stage::none, 67 * day_ms + 3},
       }) {
    const auto view = fairuse::query_standing(user.who, user.in_force, 0, monday + after_ms);
    BOOST_TEST((view.at == at));
    BOOST_TEST(view.since - monday == since_ms);
    BOOST_TEST(view.next_due - monday == 30 * day_ms + 1);
  }
  BOOST_TEST((user.standing().at == stage::restrict));
}

BOOST_AUTO_TEST_CASE(a_verdict_that_cannot_step_is_a_strike_and_extends_nothing) {
  auto rules = plain();
  rules.review.last_stage = at_last_stage::review;
  user_fixture user(rules);
  user.set_stage(stage::restrict);
  const auto until = user.standing().until;
  user.decided();
  user.wait(day_ms);
  user.misuse();
  BOOST_TEST(user.decided(decision_kind::strike_added) == lines{"strike_added 1 900 audiobook restrict>restrict 0,0"});
  BOOST_TEST(user.standing().until == until);
}

BOOST_AUTO_TEST_CASE(notifications_follow_steps_up_only_where_the_step_says_so) {
  auto rules = plain();
  rules.steps[1].notify = false;
  user_fixture user(rules);
  user.set_stage(stage::warning);
  user.set_stage(stage::throttle);
  user.set_stage(stage::restrict);
  user.set_stage(stage::warning);
  BOOST_TEST(user.decided(decision_kind::notification)
             == (lines{"notification warning misuse", "notification restrict misuse"}));
}

BOOST_AUTO_TEST_CASE(an_admin_sets_any_stage_and_setting_it_again_renews_the_deadline) {
  user_fixture user;
  user.set_stage(stage::restrict);
  BOOST_TEST(stages(user) == lines{"stage_changed none>restrict admin +30d"});
  user.again(); // The same command: nothing.
  BOOST_TEST(user.decided().empty());
  user.set_stage(stage::restrict); // Another, at the same instant: nothing differs.
  BOOST_TEST(user.decided().empty());
  user.wait(hour_ms);
  user.set_stage(stage::restrict);
  BOOST_TEST(user.decided() == lines{"stage_changed restrict>restrict admin +30d"});
  BOOST_TEST(user.standing().until == user.now + 30 * day_ms);
  BOOST_TEST(user.standing().since == monday);
  user.set_stage(stage::none);
  BOOST_TEST(stages(user) == lines{"stage_changed restrict>none admin"});
  BOOST_TEST(user.out.counts.duplicates == 1U);
}

BOOST_AUTO_TEST_CASE(a_stage_and_its_notification_name_the_strike_that_led_to_them) {
  user_fixture user;
  misuse_times(user, 3);
  std::vector<std::uint32_t> named;
  for (const auto& each : user.out.decisions)
    if (each.kind == decision_kind::stage_changed or each.kind == decision_kind::notification)
      named.push_back(each.strike);
  BOOST_TEST(named == (std::vector<std::uint32_t>{1, 1, 3, 3}), boost::test_tools::per_element());
  user.out.clear();
  user.set_stage(stage::restrict); // By an admin: no strike led to it.
  user.wait(31 * day_ms);
  user.speak(0); // The stage has ended.
  for (const auto& each : user.out.decisions)
    BOOST_TEST(each.strike == 0U, std::string(to_text(each.kind)));
}

BOOST_AUTO_TEST_CASE(a_reset_ends_the_stage_and_clears_strikes_where_the_policy_says_so) {
  for (const auto rule : {reset_rule::keep, reset_rule::clear_strikes}) {
    auto rules = plain();
    rules.on_reset = rule;
    user_fixture user(rules);
    misuse_times(user, 2);
    user.decided();
    user.reset();
    const lines change{"stage_changed warning>none admin"};
    const lines cleared{"strike_cleared 1 admin", "strike_cleared 2 admin", "stage_changed warning>none admin"};
    BOOST_TEST(user.decided() == (rule == reset_rule::keep ? change : cleared), boost::test_tools::per_element());
    BOOST_TEST(user.standing().strikes_7d == (rule == reset_rule::keep ? 2U : 0U));
    user.reset();
    BOOST_TEST(user.decided().empty());
    // The cooldown stays.
    user.speak(0);
    BOOST_TEST(user.decided().empty());
    user.wait(cooldown);
    user.misuse();
    BOOST_TEST((user.standing().at == stage::warning));
  }
}

BOOST_AUTO_TEST_CASE(clearing_a_strike_refolds_the_history) {
  struct row {
    const char* what;
    std::uint32_t cleared;
    std::int64_t throttle_since_ms; ///< 0: nothing is decided
  };
  // 0 h warning, 12 h nothing, 24 h throttle, 36 h restrict; cleared an hour later.
  const row rows[] = {
      {"the last one", 4, 24 * hour_ms + 2},
      {"the one before: the last one is the third now", 3, 36 * hour_ms + 3},
      {"the first", 1, 36 * hour_ms + 3},
      {"none such", 9, 0},
      {"number 0", 0, 0},
  };
  for (const auto& each : rows)
    BOOST_TEST_CONTEXT(each.what) {
      user_fixture user;
      misuse_times(user, 4);
      user.wait(hour_ms);
      user.decided();
      user.clear_strike(each.cleared);
      if (each.throttle_since_ms == 0) {
        BOOST_TEST(user.decided().empty());
        continue;
      }
      const auto left = monday + each.throttle_since_ms + 7 * day_ms - user.now;
      BOOST_TEST(user.decided()
                     == (lines{"strike_cleared " + std::to_string(each.cleared) + " admin",
                               "stage_changed restrict>throttle admin +" + duration_text(left),
                               "restriction_lifted hard admin"}),
                 boost::test_tools::per_element());
      user.clear_strike(each.cleared);
      BOOST_TEST(user.decided().empty());
    }
}

BOOST_AUTO_TEST_CASE(a_refold_passes_ends_already_over_in_silence) {
  user_fixture user;
  misuse_times(user, 3); // throttle at 24 h
  user.now = monday + 9 * day_ms;
  user.fire_timers(); // and back to warning after 7 days
  user.decided();
  // Without the second strike the third leads nowhere: warning since the first, not since the end of throttle.
  user.clear_strike(2);
  BOOST_TEST(
      user.decided()
          == (lines{"strike_cleared 2 admin", "stage_changed warning>warning admin +" + duration_text(21 * day_ms)}),
      boost::test_tools::per_element());
  user.clear_strike(3); // Changes nothing but the strike.
  BOOST_TEST(user.decided() == lines{"strike_cleared 3 admin"});
  user.clear_strike(1);
  BOOST_TEST(user.decided() == (lines{"strike_cleared 1 admin", "stage_changed warning>none admin"}));
}

BOOST_AUTO_TEST_CASE(a_refold_keeps_what_an_admin_set) {
  user_fixture user;
  user.misuse();
  user.wait(hour_ms);
  user.set_stage(stage::throttle);
  const auto until = user.standing().until;
  user.decided();
  user.clear_strike(1);
  BOOST_TEST(user.decided() == lines{"strike_cleared 1 admin"});
  BOOST_TEST(user.standing().until == until);
}

BOOST_AUTO_TEST_CASE(resolving_a_strike_notes_who_and_what_and_decides_nothing) {
  user_fixture user;
  user.misuse();
  user.decided();
  user.resolve(1);
  BOOST_TEST(user.decided().empty());
  const auto& first = user.who.standings[0]->marks.front();
  BOOST_TEST(first.resolved);
  BOOST_TEST(first.notes == "ada: seen");
  BOOST_TEST(user.standing().strikes_7d == 1U);
}

BOOST_AUTO_TEST_CASE(a_strike_that_is_restored_counts_as_if_it_had_never_been_cleared) {
  user_fixture user;
  misuse_times(user, 4);
  user.wait(hour_ms);
  const auto before = user.standing();
  user.about_strike(admin_verb::restore_strike, 4);
  user.decided();
  user.clear_strike(4);
  user.decided();
  user.about_strike(admin_verb::restore_strike, 4);
  const auto left = before.until - user.now;
  BOOST_TEST(
      user.decided()
          == (lines{"strike_restored 4 admin", "stage_changed throttle>restrict admin +" + duration_text(left),
                    "notification restrict misuse", "restriction_engaged hard stage_reached 4h2ms/2h +23h997ms"}),
      boost::test_tools::per_element());
  BOOST_TEST((user.standing().until == before.until));
  BOOST_TEST(user.standing().strikes_7d == before.strikes_7d);
  user.about_strike(admin_verb::restore_strike, 4);
  BOOST_TEST(user.decided().empty());
}

BOOST_AUTO_TEST_CASE(a_strike_has_one_open_appeal_and_three_in_all) {
  user_fixture user;
  misuse_times(user, 2);
  user.decided();
  BOOST_TEST((user.about_strike(admin_verb::appeal, 3) == applied::unknown_strike));
  for (int i = 0; i < 3; ++i) {
    BOOST_TEST((user.about_strike(admin_verb::appeal, 2) == applied::accepted));
    BOOST_TEST(user.decided() == lines{"appeal_opened 2 admin"});
    const auto& strike = user.who.standings[0]->marks.back();
    BOOST_TEST(not strike.resolved);
    BOOST_TEST(strike.appeals->back().text == "a lecture of mine");
    BOOST_TEST((user.about_strike(admin_verb::appeal, 2) == applied::no_appeal));
    BOOST_TEST(user.decided().empty());
    user.resolve(2);
    BOOST_TEST(user.decided() == lines{"appeal_closed 2 admin"});
    BOOST_TEST((strike.resolved and strike.appeals->back().closed_at == user.now));
  }
  BOOST_TEST((user.about_strike(admin_verb::appeal, 2) == applied::no_appeal));
  // Each strike has its own.
  BOOST_TEST((user.about_strike(admin_verb::appeal, 1) == applied::accepted));
  user.decided();
  user.clear_strike(1);
  BOOST_TEST(user.decided().at(0) == "strike_cleared 1 admin");
  BOOST_TEST((user.who.standings[0]->marks.front().appeals->back().closed_at == user.now));
  BOOST_TEST((user.about_strike(admin_verb::appeal, 1) == applied::no_appeal));
}

BOOST_AUTO_TEST_CASE(a_case_that_is_resolved_can_be_opened_again) {
  user_fixture user;
  user.misuse();
  user.decided();
  const auto& first = user.who.standings[0]->marks.front();
  user.about_strike(admin_verb::reopen, 1);
  BOOST_TEST(first.notes.empty());
  user.resolve(1);
  user.about_strike(admin_verb::reopen, 1);
  BOOST_TEST(user.decided().empty());
  BOOST_TEST(not first.resolved);
  BOOST_TEST(first.notes == "ada: seen again");
}

BOOST_AUTO_TEST_CASE(an_upgrade_clears_what_began_with_exhausted_credits_and_only_that) {
  struct row {
    upgrade_rule rule;
    lines decided;
  };
  const row rows[] = {
      {upgrade_rule::nothing, {"content_unlocked upgrade"}},
      {upgrade_rule::clear_if_last_free, {"stage_changed throttle>none upgrade", "content_unlocked upgrade"}},
      {upgrade_rule::clear_free_strikes,
       {"strike_cleared 2 upgrade", "strike_cleared 3 upgrade",
        "stage_changed throttle>warning upgrade +" + duration_text(30 * day_ms - 2 * cooldown),
        "content_unlocked upgrade"}},
  };
  for (const auto& each : rows) {
    auto rules = plain();
    rules.on_upgrade = each.rule;
    user_fixture user(rules);
    user.misuse(); // A real strike first.
    user.credits(true);
    for (int i = 0; i < 2; ++i) {
      user.wait(cooldown);
      user.speak(2 * hour_ms + 1);
    }
    BOOST_TEST((user.standing().at == stage::throttle));
    user.decided();
    user.plan("basic");
    BOOST_TEST(user.decided().empty());
    user.plan("pro");
    BOOST_TEST(user.decided() == each.decided, boost::test_tools::per_element());
    user.plan("pro");
    BOOST_TEST(user.decided().empty());
  }
}

BOOST_AUTO_TEST_CASE(only_the_last_review_that_changed_the_stage_matters_to_the_older_upgrade_rule) {
  struct row {
    const char* what;
    void (*after)(user_fixture&);
    bool clears;
  };
  const row rows[] = {
      {"nothing", [](user_fixture&) {}, true},
      {"an admin's stage", [](user_fixture& user) { user.set_stage(stage::restrict); }, true},
      {"a reset forgets it", [](user_fixture& user) { user.reset(), user.set_stage(stage::restrict); }, false},
      {"a verdict that changed nothing",
       [](user_fixture& user) {
         user.credits(false);
         user.wait(cooldown);
         user.misuse();
       },
       true},
      {"a verdict that did",
       [](user_fixture& user) {
         user.credits(false);
         user.set_stage(stage::none);
         user.wait(cooldown);
         user.misuse();
       },
       false},
  };
  for (const auto& each : rows)
    BOOST_TEST_CONTEXT(each.what) {
      auto rules = plain();
      rules.on_upgrade = upgrade_rule::clear_if_last_free;
      user_fixture user(rules);
      user.credits(true);
      user.speak(2 * hour_ms + 1);
      each.after(user);
      user.decided();
      user.plan("pro");
      BOOST_TEST((user.standing().at == stage::none) == each.clears);
      BOOST_TEST(stages(user).size() == (each.clears ? 1U : 0U));
    }
}

BOOST_AUTO_TEST_CASE(an_upgrade_clears_also_while_off_and_for_the_exempt) {
  for (const bool off : {true, false}) {
    user_fixture user;
    user.credits(true);
    user.speak(2 * hour_ms + 1);
    if (off)
      user.enable(false);
    else
      user.exempt(true);
    user.decided();
    user.plan("pro");
    BOOST_TEST(user.decided(decision_kind::stage_changed) == lines{"stage_changed warning>none upgrade"});
  }
}

BOOST_AUTO_TEST_CASE(marks_are_kept_until_none_has_lasted_90_days) {
  user_fixture user;
  user.misuse();
  user.now = monday + 30 * day_ms + 1;
  user.fire_timers();
  user.wait(90 * day_ms - 1);
  user.misuse();
  BOOST_TEST(user.who.standings[0]->marks.size() == 2U);
  user_fixture longer;
  longer.misuse();
  longer.now = monday + 30 * day_ms + 1;
  longer.fire_timers();
  longer.wait(90 * day_ms);
  longer.misuse();
  BOOST_TEST(longer.who.standings[0]->marks.size() == 1U);
  BOOST_TEST(longer.who.standings[0]->last_strike == 2U);
}

BOOST_AUTO_TEST_CASE(a_mark_says_what_made_it) {
  user_fixture user;
  user.misuse();
  const auto& first = user.who.standings[0]->marks.front();
  BOOST_TEST(first.at == monday);
  BOOST_TEST(first.cause == "e2");
  BOOST_TEST(first.policy_digest == "0");
  BOOST_TEST(first.request == 1U);
  BOOST_TEST(first.number == 1U);
  BOOST_TEST(first.end == monday + 30 * day_ms);
  BOOST_TEST((first.from == stage::none and first.to == stage::warning));
}

BOOST_AUTO_TEST_SUITE_END()
