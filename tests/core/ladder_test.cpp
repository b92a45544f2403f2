// SPDX-License-Identifier: Apache-2.0
#include <boost/test/unit_test.hpp>

#include "tests/core/world.hpp"

using namespace fairuse;
using namespace fairuse::test;

namespace {

constexpr auto cooldown = 12 * hour_ms + 1;

/// Verdicts as close together as the cooldown allows.
void misuse_times(world& w, int count) {
  for (int i = 0; i < count; ++i) {
    if (i > 0) w.wait(cooldown);
    w.misuse();
  }
}

lines stages(world& w) { return w.told(decision_kind::stage_changed); }

} // namespace

BOOST_AUTO_TEST_SUITE(ladder)

BOOST_AUTO_TEST_CASE(the_fastest_way_to_restrict_is_36_hours) {
  world w;
  misuse_times(w, 1);
  BOOST_TEST(stages(w) == lines{"stage_changed none>warning verdict +2592000000"});
  w.wait(cooldown);
  w.misuse(); // One strike before it: not yet two.
  BOOST_TEST(stages(w).empty());
  w.wait(cooldown);
  w.misuse();
  BOOST_TEST(stages(w) == lines{"stage_changed warning>throttle verdict +604800000"});
  w.wait(cooldown);
  w.misuse();
  BOOST_TEST(stages(w) == lines{"stage_changed throttle>restrict verdict +2592000000"});
  BOOST_TEST(w.now == monday + 36 * hour_ms + 3);
  BOOST_TEST(w.look().strikes_7d == 4U);
}

BOOST_AUTO_TEST_CASE(one_step_a_verdict_and_prior_strikes_are_those_before_it) {
  world w;
  misuse_times(w, 2);
  w.told();
  w.wait(cooldown);
  w.misuse();
  BOOST_TEST(w.told(decision_kind::strike_added) == lines{"strike_added 3 900 audiobook warning>throttle 2,2"});
}

BOOST_AUTO_TEST_CASE(strikes_count_while_they_are_within) {
  struct row {
    std::int64_t third_after_ms; ///< after the first
    const char* told;
  };
  const row rows[] = {
      {7 * day_ms, "strike_added 3 900 audiobook warning>throttle 2,2"},
      {7 * day_ms + 1, "strike_added 3 900 audiobook warning>warning 1,2"},
  };
  for (const auto& r : rows) {
    world w;
    misuse_times(w, 2);
    w.told();
    w.now = monday + r.third_after_ms;
    w.misuse();
    BOOST_TEST(w.told(decision_kind::strike_added) == lines{r.told});
  }
}

BOOST_AUTO_TEST_CASE(prior_strikes_of_30_days_and_numbers_for_life) {
  world w;
  w.misuse();
  w.now = monday + 30 * day_ms;
  w.told();
  w.misuse();
  BOOST_TEST(w.told(decision_kind::strike_added) == lines{"strike_added 2 900 audiobook warning>warning 0,1"});
  w.now = monday + 60 * day_ms + 1;
  w.misuse();
  BOOST_TEST(w.told(decision_kind::strike_added) == lines{"strike_added 3 900 audiobook none>warning 0,0"});
}

BOOST_AUTO_TEST_CASE(a_stage_holds_at_its_last_instant_and_ends_a_ms_later) {
  world w;
  w.misuse();
  w.told();
  w.now = monday + 30 * day_ms;
  w.tick();
  BOOST_TEST(w.told().empty());
  BOOST_TEST((w.look().at == stage::warning));
  w.wait(1);
  w.tick();
  BOOST_TEST(w.told() == lines{"stage_changed warning>none stage_ended @2592000001"});
}

BOOST_AUTO_TEST_CASE(ends_are_chained_from_their_due_instants_however_late_they_fire) {
  lines in_time;
  lines late;
  for (const bool on_time : {true, false}) {
    world w;
    w.set_stage(stage::restrict);
    w.told();
    for (int day = 0; on_time and day < 80; ++day) {
      w.tick();
      w.wait(day_ms);
    }
    w.now = monday + 80 * day_ms;
    w.tick();
    (on_time ? in_time : late) = w.told();
  }
  BOOST_TEST(late
                 == (lines{"stage_changed restrict>throttle stage_ended +604800000 @2592000001",
                           "stage_changed throttle>warning stage_ended +2592000000 @3196800002",
                           "stage_changed warning>none stage_ended @5788800003"}),
             boost::test_tools::per_element());
  BOOST_TEST(in_time == late);
}

BOOST_AUTO_TEST_CASE(a_verdict_that_cannot_step_is_a_strike_and_extends_nothing) {
  auto p = plain();
  p.review.last_stage = at_last_stage::review;
  world w(p);
  w.set_stage(stage::restrict);
  const auto until = w.look().until;
  w.told();
  w.wait(day_ms);
  w.misuse();
  BOOST_TEST(w.told(decision_kind::strike_added) == lines{"strike_added 1 900 audiobook restrict>restrict 0,0"});
  BOOST_TEST(w.look().until == until);
}

BOOST_AUTO_TEST_CASE(notifications_follow_steps_up_only_where_the_step_says_so) {
  auto p = plain();
  p.steps[1].notify = false;
  world w(p);
  w.set_stage(stage::warning);
  w.set_stage(stage::throttle);
  w.set_stage(stage::restrict);
  w.set_stage(stage::warning);
  BOOST_TEST(w.told(decision_kind::notification)
             == (lines{"notification warning misuse", "notification restrict misuse"}));
}

BOOST_AUTO_TEST_CASE(an_admin_sets_any_stage_and_setting_it_again_renews_the_deadline) {
  world w;
  w.set_stage(stage::restrict);
  BOOST_TEST(stages(w) == lines{"stage_changed none>restrict admin +2592000000"});
  w.again(); // The same command: nothing.
  BOOST_TEST(w.told().empty());
  w.set_stage(stage::restrict); // Another, at the same instant: nothing differs.
  BOOST_TEST(w.told().empty());
  w.wait(hour_ms);
  w.set_stage(stage::restrict);
  BOOST_TEST(w.told() == lines{"stage_changed restrict>restrict admin +2592000000"});
  BOOST_TEST(w.look().until == w.now + 30 * day_ms);
  BOOST_TEST(w.look().since == monday);
  w.set_stage(stage::none);
  BOOST_TEST(stages(w) == lines{"stage_changed restrict>none admin"});
  BOOST_TEST(w.out.counts.duplicates == 1U);
}

BOOST_AUTO_TEST_CASE(a_reset_ends_the_stage_and_clears_strikes_where_the_policy_says_so) {
  for (const auto rule : {reset_rule::keep, reset_rule::clear_strikes}) {
    auto p = plain();
    p.on_reset = rule;
    world w(p);
    misuse_times(w, 2);
    w.told();
    w.reset();
    const lines change{"stage_changed warning>none admin"};
    const lines cleared{"strike_cleared 1 admin", "strike_cleared 2 admin", "stage_changed warning>none admin"};
    BOOST_TEST(w.told() == (rule == reset_rule::keep ? change : cleared), boost::test_tools::per_element());
    BOOST_TEST(w.look().strikes_7d == (rule == reset_rule::keep ? 2U : 0U));
    w.reset();
    BOOST_TEST(w.told().empty());
    // The cooldown stays.
    w.speak(0);
    BOOST_TEST(w.told().empty());
    w.wait(cooldown);
    w.misuse();
    BOOST_TEST((w.look().at == stage::warning));
  }
}

BOOST_AUTO_TEST_CASE(clearing_a_strike_refolds_the_history) {
  struct row {
    const char* what;
    std::uint32_t cleared;
    std::int64_t throttle_since_ms; ///< 0: nothing is told
  };
  // 0 h warning, 12 h nothing, 24 h throttle, 36 h restrict; cleared an hour later.
  const row rows[] = {
      {"the last one", 4, 24 * hour_ms + 2},
      {"the one before: the last one is the third now", 3, 36 * hour_ms + 3},
      {"the first", 1, 36 * hour_ms + 3},
      {"none such", 9, 0},
      {"number 0", 0, 0},
  };
  for (const auto& r : rows)
    BOOST_TEST_CONTEXT(r.what) {
      world w;
      misuse_times(w, 4);
      w.wait(hour_ms);
      w.told();
      w.clear_strike(r.cleared);
      if (r.throttle_since_ms == 0) {
        BOOST_TEST(w.told().empty());
        continue;
      }
      const auto left = monday + r.throttle_since_ms + 7 * day_ms - w.now;
      BOOST_TEST(w.told()
                     == (lines{"strike_cleared " + std::to_string(r.cleared) + " admin",
                               "stage_changed restrict>throttle admin +" + std::to_string(left),
                               "restriction_lifted hard admin"}),
                 boost::test_tools::per_element());
      w.clear_strike(r.cleared);
      BOOST_TEST(w.told().empty());
    }
}

BOOST_AUTO_TEST_CASE(a_refold_passes_ends_already_over_in_silence) {
  world w;
  misuse_times(w, 3); // throttle at 24 h
  w.now = monday + 9 * day_ms;
  w.tick(); // and back to warning after 7 days
  w.told();
  // Without the second strike the third leads nowhere: warning since the first, not since the end of throttle.
  w.clear_strike(2);
  BOOST_TEST(
      w.told()
          == (lines{"strike_cleared 2 admin", "stage_changed warning>warning admin +" + std::to_string(21 * day_ms)}),
      boost::test_tools::per_element());
  w.clear_strike(3); // Changes nothing but the strike.
  BOOST_TEST(w.told() == lines{"strike_cleared 3 admin"});
  w.clear_strike(1);
  BOOST_TEST(w.told() == (lines{"strike_cleared 1 admin", "stage_changed warning>none admin"}));
}

BOOST_AUTO_TEST_CASE(a_refold_keeps_what_an_admin_set) {
  world w;
  w.misuse();
  w.wait(hour_ms);
  w.set_stage(stage::throttle);
  const auto until = w.look().until;
  w.told();
  w.clear_strike(1);
  BOOST_TEST(w.told() == lines{"strike_cleared 1 admin"});
  BOOST_TEST(w.look().until == until);
}

BOOST_AUTO_TEST_CASE(resolving_a_strike_notes_who_and_what_and_decides_nothing) {
  world w;
  w.misuse();
  w.told();
  w.resolve(1);
  BOOST_TEST(w.told().empty());
  const auto& m = w.who.standings[0]->marks.front();
  BOOST_TEST(m.resolved);
  BOOST_TEST(m.notes == "ada: seen");
  BOOST_TEST(w.look().strikes_7d == 1U);
}

BOOST_AUTO_TEST_CASE(an_upgrade_clears_what_began_with_exhausted_credits_and_only_that) {
  struct row {
    upgrade_rule rule;
    lines told;
  };
  const row rows[] = {
      {upgrade_rule::nothing, {"content_unlocked upgrade"}},
      {upgrade_rule::clear_if_last_free, {"stage_changed throttle>none upgrade", "content_unlocked upgrade"}},
      {upgrade_rule::clear_free_strikes,
       {"strike_cleared 2 upgrade", "strike_cleared 3 upgrade",
        "stage_changed throttle>warning upgrade +" + std::to_string(30 * day_ms - 2 * cooldown),
        "content_unlocked upgrade"}},
  };
  for (const auto& r : rows) {
    auto p = plain();
    p.on_upgrade = r.rule;
    world w(p);
    w.misuse(); // A real strike first.
    w.credits(true);
    for (int i = 0; i < 2; ++i) {
      w.wait(cooldown);
      w.speak(2 * hour_ms + 1);
    }
    BOOST_TEST((w.look().at == stage::throttle));
    w.told();
    w.plan("basic");
    BOOST_TEST(w.told().empty());
    w.plan("pro");
    BOOST_TEST(w.told() == r.told, boost::test_tools::per_element());
    w.plan("pro");
    BOOST_TEST(w.told().empty());
  }
}

BOOST_AUTO_TEST_CASE(only_the_last_review_that_changed_the_stage_matters_to_the_older_upgrade_rule) {
  struct row {
    const char* what;
    void (*after)(world&);
    bool clears;
  };
  const row rows[] = {
      {"nothing", [](world&) {}, true},
      {"an admin's stage", [](world& w) { w.set_stage(stage::restrict); }, true},
      {"a reset forgets it", [](world& w) { w.reset(), w.set_stage(stage::restrict); }, false},
      {"a verdict that changed nothing",
       [](world& w) {
         w.credits(false);
         w.wait(cooldown);
         w.misuse();
       },
       true},
      {"a verdict that did",
       [](world& w) {
         w.credits(false);
         w.set_stage(stage::none);
         w.wait(cooldown);
         w.misuse();
       },
       false},
  };
  for (const auto& r : rows)
    BOOST_TEST_CONTEXT(r.what) {
      auto p = plain();
      p.on_upgrade = upgrade_rule::clear_if_last_free;
      world w(p);
      w.credits(true);
      w.speak(2 * hour_ms + 1);
      r.after(w);
      w.told();
      w.plan("pro");
      BOOST_TEST((w.look().at == stage::none) == r.clears);
      BOOST_TEST(stages(w).size() == (r.clears ? 1U : 0U));
    }
}

BOOST_AUTO_TEST_CASE(an_upgrade_clears_also_while_off_and_for_the_exempt) {
  for (const bool off : {true, false}) {
    world w;
    w.credits(true);
    w.speak(2 * hour_ms + 1);
    if (off)
      w.enable(false);
    else
      w.exempt(true);
    w.told();
    w.plan("pro");
    BOOST_TEST(w.told(decision_kind::stage_changed) == lines{"stage_changed warning>none upgrade"});
  }
}

BOOST_AUTO_TEST_CASE(marks_are_kept_until_none_has_lasted_90_days) {
  world w;
  w.misuse();
  w.now = monday + 30 * day_ms + 1;
  w.tick();
  w.wait(90 * day_ms - 1);
  w.misuse();
  BOOST_TEST(w.who.standings[0]->marks.size() == 2U);
  world longer;
  longer.misuse();
  longer.now = monday + 30 * day_ms + 1;
  longer.tick();
  longer.wait(90 * day_ms);
  longer.misuse();
  BOOST_TEST(longer.who.standings[0]->marks.size() == 1U);
  BOOST_TEST(longer.who.standings[0]->last_strike == 2U);
}

BOOST_AUTO_TEST_CASE(a_mark_says_what_made_it) {
  world w;
  w.misuse();
  const auto& m = w.who.standings[0]->marks.front();
  BOOST_TEST(m.at == monday);
  BOOST_TEST(m.cause == "e2");
  BOOST_TEST(m.policy_digest == "0");
  BOOST_TEST(m.request == 1U);
  BOOST_TEST(m.number == 1U);
  BOOST_TEST(m.end == monday + 30 * day_ms);
  BOOST_TEST((m.from == stage::none and m.to == stage::warning));
}

BOOST_AUTO_TEST_SUITE_END()
