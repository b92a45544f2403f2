// SPDX-License-Identifier: Apache-2.0
#include <boost/test/unit_test.hpp>

#include "tests/core/user_fixture.hpp"

using namespace fairuse;
using namespace fairuse::test;

namespace {

constexpr auto over = 2 * hour_ms + 1;

/// Speech that keeps the cap exceeded, whatever has left the window.
lines excess(user_fixture& user) {
  user.decided();
  user.speak(over);
  return user.decided();
}

bool asks(user_fixture& user) {
  user.decided();
  user.speak(over);
  return not user.decided(decision_kind::review_requested).empty();
}

} // namespace

BOOST_AUTO_TEST_SUITE(reviews)

BOOST_AUTO_TEST_CASE(a_crossing_asks_once_and_names_the_windows) {
  user_fixture user(fair());
  user.speak(11 * hour_ms);
  BOOST_TEST(user.decided()
                 == (lines{"cap_crossed daily 11h/2h", "cap_crossed 3day 11h/8h", "cap_crossed weekly 11h/10h",
                           "review_requested 1 daily,3day,weekly"}),
             boost::test_tools::per_element());
  user.wait(10 * minute_ms);
  BOOST_TEST(excess(user).empty());
  BOOST_TEST(user.out.counts.review_pending == 1U);
  BOOST_TEST(user.standing().pending_request == 1U);
}

BOOST_AUTO_TEST_CASE(the_cooldown_counts_from_the_request_and_holds_at_its_last_instant) {
  user_fixture user;
  user.speak(over);
  user.wait(20 * minute_ms);
  user.answer("live-1", 0.9);
  user.now = monday + 12 * hour_ms;
  BOOST_TEST(not asks(user));
  BOOST_TEST(user.out.counts.review_cooldown == 1U);
  user.wait(1);
  BOOST_TEST(asks(user));
}

BOOST_AUTO_TEST_CASE(a_score_that_clears_earns_the_longer_cooldown) {
  struct row {
    double score;
    std::int64_t cooldown_ms;
  };
  const row rows[] = {{0.0, 72 * hour_ms}, {0.349999999, 72 * hour_ms}, {0.35, 12 * hour_ms}, {0.7, 12 * hour_ms}};
  for (const auto& each : rows) {
    auto rules = plain();
    rules.review.cleared_below_nano = 350'000'000;
    rules.review.cleared_cooldown_ms = 72 * hour_ms;
    user_fixture user(rules);
    user.speak(over);
    user.wait(minute_ms);
    user.answer("live-1", each.score);
    user.now = monday + each.cooldown_ms;
    BOOST_TEST(not asks(user));
    user.wait(1);
    BOOST_TEST(asks(user));
  }
}

BOOST_AUTO_TEST_CASE(the_check_interval_bounds_asking_where_the_cooldown_is_shorter) {
  auto rules = plain();
  rules.review.cooldown_ms = minute_ms;
  rules.review.check_interval_ms = 5 * minute_ms;
  user_fixture user(rules);
  user.speak(over);
  user.answer("live-1", 0.1);
  user.wait(5 * minute_ms);
  BOOST_TEST(not asks(user));
  user.wait(1);
  BOOST_TEST(asks(user));
  user.fail("live-2");
  user.wait(5 * minute_ms);
  BOOST_TEST(not asks(user)); // A failure frees the cooldown, not the interval.
  user.wait(1);
  BOOST_TEST(asks(user));
}

BOOST_AUTO_TEST_CASE(a_failure_frees_the_cooldown_and_backs_off_doubling_to_12_hours) {
  auto rules = plain();
  rules.review.retry_after_ms = 15 * minute_ms;
  user_fixture user(rules);
  user.speak(over);
  std::uint32_t number = 1;
  for (const auto minutes : {15, 30, 60, 120, 240, 480, 720, 720}) {
    user.decided();
    user.fail("live-" + std::to_string(number));
    BOOST_TEST(user.decided()
               == lines{"review_failed " + std::to_string(number) + " +" + duration_text(minutes * minute_ms)});
    user.wait(minutes * minute_ms);
    BOOST_TEST(not asks(user));
    user.wait(1);
    BOOST_TEST(asks(user));
    ++number;
  }
  // Any finished review starts the row anew.
  user.answer("live-9", 0.1);
  user.wait(12 * hour_ms + 1);
  BOOST_TEST(asks(user));
  user.decided();
  user.fail("live-10");
  BOOST_TEST(user.decided() == lines{"review_failed 10 +15m"});
}

BOOST_AUTO_TEST_CASE(a_failure_without_retry_after_asks_again_at_once) {
  user_fixture user;
  user.speak(over);
  user.decided();
  user.fail("live-1");
  BOOST_TEST(user.decided() == lines{"review_failed 1"});
  BOOST_TEST(asks(user));
}

BOOST_AUTO_TEST_CASE(a_request_times_out_one_ms_after_its_deadline_and_that_is_a_failure) {
  auto rules = plain();
  rules.review.retry_after_ms = 15 * minute_ms;
  user_fixture user(rules);
  user.speak(over);
  user.decided();
  user.wait(30 * minute_ms);
  user.fire_timers();
  BOOST_TEST(user.decided().empty());
  user.wait(hour_ms); // Late: it still carries its own instant, and the next try counts from there.
  user.fire_timers();
  BOOST_TEST(user.decided() == lines{"review_timed_out 1 +15m @30m1ms"});
  BOOST_TEST(asks(user));
  // The first one's answer is late, once; then it is a duplicate.
  user.decided();
  BOOST_TEST((user.answer("live-1", 0.9) == applied::accepted));
  BOOST_TEST(user.decided() == lines{"review_ignored 1 late_answer"});
  BOOST_TEST((user.answer("live-1", 0.9) == applied::duplicate));
  BOOST_TEST((user.answer("live-2", 0.9) == applied::accepted));
  BOOST_TEST((user.answer("live-2", 0.9) == applied::duplicate));
  BOOST_TEST(user.standing().strikes_7d == 1U);
}

BOOST_AUTO_TEST_CASE(answers_without_a_request_are_ignored_once) {
  struct row {
    const char* request;
    const char* decided;
  };
  const row rows[] = {
      {"live-2", "review_ignored 2 unknown_request"},
      {"live-0", "review_ignored 0 unknown_request"},
      {"live-", "review_ignored 0 unknown_request"},
      {"live", "review_ignored 0 unknown_request"},
      {"", "review_ignored 0 unknown_request"},
      {"nobody-1", "review_ignored 0 unknown_request"},
      {"live-1x", "review_ignored 0 unknown_request"},
      {"live--1", "review_ignored 0 unknown_request"},
      {"live-4294967297", "review_ignored 0 unknown_request"},
  };
  for (const auto& each : rows)
    BOOST_TEST_CONTEXT(each.request) {
      user_fixture user;
      user.speak(over);
      user.decided();
      BOOST_TEST((user.answer(each.request, 0.9) == applied::accepted));
      BOOST_TEST(user.decided() == lines{each.decided});
      BOOST_TEST((user.again() == applied::duplicate));
      BOOST_TEST(user.decided().empty());
    }
  user_fixture fresh;
  BOOST_TEST((fresh.answer("live-1", 0.9) == applied::accepted));
  BOOST_TEST(fresh.decided() == lines{"review_ignored 1 unknown_request"});
}

BOOST_AUTO_TEST_CASE(the_gate_is_inclusive_and_below_it_no_strike_is_added) {
  struct row {
    double score;
    strike_basis counts;
    const char* decided;
  };
  const row rows[] = {
      {0.7, strike_basis::qualifying, "strike_added 1 700 audiobook none>warning 0,0"},
      {0.699999999, strike_basis::qualifying, "review_cleared 699 audiobook 0,0"},
      {0.699999999, strike_basis::finished_reviews, "strike_added 1 699 audiobook none>none 0,0"},
      {0.0, strike_basis::finished_reviews, "strike_added 1 0 audiobook none>none 0,0"},
      {1.0, strike_basis::finished_reviews, "strike_added 1 1000 audiobook none>warning 0,0"},
  };
  for (const auto& each : rows) {
    auto rules = plain();
    rules.counts = each.counts;
    user_fixture user(rules);
    user.speak(over);
    user.decided();
    user.answer("live-1", each.score);
    BOOST_TEST(user.decided().front() == each.decided);
  }
}

BOOST_AUTO_TEST_CASE(exhausted_credits_of_a_free_plan_are_a_synthetic_verdict) {
  user_fixture user;
  user.credits(true);
  user.decided();
  user.speak(over);
  BOOST_TEST(user.decided()
                 == (lines{"cap_crossed daily 2h1ms/2h", "strike_added 1 1000 free_exhausted none>warning 0,0",
                           "stage_changed none>warning credits_exhausted +30d", "notification warning credits"}),
             boost::test_tools::per_element());
  BOOST_TEST(user.out.tallies[0].synthetic == 1U);
  BOOST_TEST(user.out.tallies[0].reviews == 0U);
  user.wait(12 * hour_ms);
  BOOST_TEST(excess(user).empty()); // It cools like any other.
  user.wait(1);
  BOOST_TEST(excess(user).size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_paid_plan_is_asked_about_even_with_exhausted_credits) {
  user_fixture user;
  user.credits(true);
  user.plan("pro");
  user.decided();
  user.speak(over);
  BOOST_TEST(user.decided(decision_kind::review_requested) == lines{"review_requested 1 daily"});
}

BOOST_AUTO_TEST_CASE(no_review_is_asked_for_at_the_last_stage) {
  auto rules = plain();
  user_fixture skip(rules);
  rules.review.last_stage = at_last_stage::review;
  user_fixture review(rules);
  for (auto* user : {&skip, &review})
    user->set_stage(stage::restrict);
  BOOST_TEST(not asks(skip));
  BOOST_TEST(skip.out.counts.review_terminal == 1U);
  BOOST_TEST(asks(review));
  // It counts, and does not renew the deadline.
  const auto until = review.standing().until;
  review.wait(minute_ms);
  review.answer("live-1", 0.9);
  BOOST_TEST(review.decided() == lines{"strike_added 1 900 audiobook restrict>restrict 0,0"});
  BOOST_TEST(review.standing().until == until);
}

BOOST_AUTO_TEST_CASE(an_answer_meets_the_state_of_its_moment) {
  struct row {
    const char* why;
    void (*before_it)(user_fixture&);
  };
  const row rows[] = {
      {"exempt", [](user_fixture& user) { user.exempt(true); }},
      {"kill_switch", [](user_fixture& user) { user.kill(true); }},
      {"system_off", [](user_fixture& user) { user.enable(false); }},
      {"last_stage", [](user_fixture& user) { user.set_stage(stage::restrict); }},
      {"exempt", [](user_fixture& user) { user.exempt(true), user.kill(true), user.enable(false); }},
  };
  for (const auto& each : rows)
    BOOST_TEST_CONTEXT(each.why) {
      user_fixture user;
      user.speak(over);
      each.before_it(user);
      user.decided();
      user.answer("live-1", 0.9);
      BOOST_TEST(user.decided() == lines{std::string("review_ignored 1 ") + each.why});
      BOOST_TEST(user.standing().pending_request == 0U);
      BOOST_TEST(user.standing().strikes_7d == 0U);
      BOOST_TEST((user.again() == applied::duplicate));
    }
}

BOOST_AUTO_TEST_CASE(a_shadow_borrows_the_newest_live_verdict_while_it_is_fresh) {
  struct row {
    std::int64_t ago_ms;
    bool asks;
    const char* decided;
  };
  const row rows[] = {
      {12 * hour_ms, false, "s: strike_added 1 900 audiobook none>warning 0,0"},
      {12 * hour_ms + 1, false, "s: review_unanswered daily"},
      {12 * hour_ms + 1, true, "s: review_requested 1 daily"},
  };
  for (const auto& each : rows) {
    auto shadow = plain();
    shadow.name = "s";
    shadow.windows[0].cap_ms = 3 * hour_ms; // later than live
    shadow.plans.clear();
    shadow.review.shadow_asks = each.asks;
    user_fixture user(plain(), {shadow});
    user.speak(over);
    user.answer("live-1", 0.1);
    user.answer("live-1", 0.9); // a duplicate, not the newest
    user.wait(13 * hour_ms);
    user.speak(1);
    user.answer("live-2", 0.9);
    user.decided();
    user.wait(each.ago_ms);
    user.speak(hour_ms, lane::realtime, 2 * minute_ms);
    user.speak(2 * hour_ms);
    lines of_shadow;
    for (const auto& line : user.decided())
      if (line.starts_with("s: ")) of_shadow.push_back(line);
    BOOST_TEST_REQUIRE(of_shadow.size() >= 2U);
    BOOST_TEST(of_shadow[1] == each.decided);
    BOOST_TEST(user.out.tallies[1].unanswered
               == (std::string(each.decided).find("unanswered") != std::string::npos ? 1U : 0U));
  }
}

BOOST_AUTO_TEST_CASE(a_shadow_never_borrows_a_synthetic_verdict) {
  auto shadow = plain();
  shadow.name = "s";
  shadow.free_plans.clear(); // Nothing is free there, so nothing is synthetic.
  user_fixture user(plain(), {shadow});
  user.credits(true);
  user.decided();
  user.speak(over);
  BOOST_TEST(user.decided().back() == "s: review_unanswered daily");
}

BOOST_AUTO_TEST_CASE(an_unanswered_shadow_waits_like_a_failed_one) {
  auto shadow = plain();
  shadow.name = "s";
  shadow.windows[0].cap_ms = hour_ms;
  shadow.plans.clear();
  shadow.review.retry_after_ms = 15 * minute_ms;
  user_fixture user(plain(), {shadow});
  for (const auto minutes : {15, 30, 60}) {
    user.speak(hour_ms + 1);
    BOOST_TEST(user.decided(decision_kind::review_unanswered) == lines{"s: review_unanswered daily"});
    user.wait(minutes * minute_ms);
    user.speak(0);
    BOOST_TEST(user.decided(decision_kind::review_unanswered).empty());
    user.wait(1);
  }
}

BOOST_AUTO_TEST_CASE(an_unanswered_shadow_that_may_retry_at_once_still_waits_five_minutes) {
  auto shadow = plain();
  shadow.name = "s";
  shadow.windows[0].cap_ms = hour_ms;
  shadow.plans.clear();
  shadow.review.retry_after_ms = 0;
  user_fixture user(plain(), {shadow});
  user.speak(hour_ms + 1);
  BOOST_TEST(user.decided(decision_kind::review_unanswered) == lines{"s: review_unanswered daily"});
  user.wait(5 * minute_ms);
  user.speak(0);
  BOOST_TEST(user.decided(decision_kind::review_unanswered).empty());
  user.wait(1);
  user.speak(0);
  BOOST_TEST(user.decided(decision_kind::review_unanswered) == lines{"s: review_unanswered daily"});
}

BOOST_AUTO_TEST_CASE(a_request_without_a_recorded_outcome_is_no_failure_and_its_cooldown_runs) {
  user_fixture user(plain(), {}, review_mode::alone);
  user.speak(over);
  user.decided();
  review_answer none;
  none.request = "live-1";
  none.unanswered = true;
  user.give(user.make(event_kind::review, 0, none));
  BOOST_TEST(user.decided().size() == 1U);
  BOOST_TEST(user.out.tallies[0].unanswered == 1U);
  BOOST_TEST(user.standing().pending_request == 0U);
  user.now = monday + 12 * hour_ms;
  BOOST_TEST(not asks(user));
  user.wait(1);
  BOOST_TEST(asks(user));
}

BOOST_AUTO_TEST_CASE(alone_every_slot_asks_for_itself) {
  auto shadow = plain();
  shadow.name = "s";
  user_fixture user(plain(), {shadow}, review_mode::alone);
  user.speak(over);
  BOOST_TEST(user.decided(decision_kind::review_requested)
             == (lines{"review_requested 1 daily", "s: review_requested 1 daily"}));
  user.answer("s-1", 0.9);
  BOOST_TEST(user.decided().front() == "s: strike_added 1 900 audiobook none>warning 0,0");
  BOOST_TEST((user.standing(0).at == stage::none));
  BOOST_TEST((user.standing(1).at == stage::warning));
}

BOOST_AUTO_TEST_CASE(the_pattern_of_conversations_chooses_the_recipes) {
  struct row {
    const char* what;
    int count;
    std::int64_t first_ms;
    std::int64_t step_ms;
    int categories;
    std::string decided;
  };
  const std::string asked = "review_requested 1 daily";
  const row rows[] = {
      {"two over an hour", 2, hour_ms + 1, 0, 1, asked},
      {"three of an hour", 3, hour_ms, 0, 1, asked},
      {"three over an hour", 3, hour_ms + 1, 0, 1, asked + " recipes 1"},
      {"four of equal length", 4, 10 * minute_ms, 0, 1, asked},
      {"five of equal length", 5, 10 * minute_ms, 0, 1, asked + " recipes 2"},
      {"five of unlike length", 5, minute_ms, 4 * minute_ms, 1, asked},
      {"nineteen in one category", 19, minute_ms, 2 * minute_ms, 1, asked + " recipes 8"},
      {"twenty in three categories", 20, second_ms, second_ms, 3, asked + " recipes 4"},
      {"twenty in four categories", 20, second_ms, second_ms, 4, asked},
      {"five of 25 min", 5, 25 * minute_ms, 0, 1, asked + " recipes 10"},
      {"five just under 25 min", 5, 25 * minute_ms - 1, 0, 1, asked + " recipes 2"},
      {"four of 90 min", 4, 90 * minute_ms, 0, 1, asked + " recipes 1"},
      {"five of 90 min", 5, 90 * minute_ms, 0, 1, asked + " recipes 11"},
      {"five over 90 min", 5, 90 * minute_ms + 1, 0, 1, asked + " recipes 3"},
  };
  for (const auto& each : rows)
    BOOST_TEST_CONTEXT(each.what) {
      user_fixture user;
      for (int i = 0; i < each.count; ++i)
        user.converse("c" + std::to_string(i), each.first_ms + i * each.step_ms,
                      "k" + std::to_string(i % each.categories));
      user.speak(over);
      BOOST_TEST(user.decided(decision_kind::review_requested) == lines{each.decided});
    }
}

BOOST_AUTO_TEST_CASE(recipes_cover_seven_days_and_thirty_conversations) {
  user_fixture user;
  user.wait(10 * day_ms);
  for (int i = 0; i < 3; ++i)
    user.converse("old" + std::to_string(i), 2 * hour_ms, "work", i == 0 ? 7 * day_ms + 1 : 7 * day_ms);
  user.speak(over);
  BOOST_TEST(user.decided(decision_kind::review_requested) == lines{"review_requested 1 daily"});
  user_fixture full;
  full.wait(10 * day_ms);
  for (int i = 0; i < 3; ++i)
    full.converse("old" + std::to_string(i), 2 * hour_ms, "work", day_ms);
  for (int i = 0; i < 28; ++i)
    full.converse("new" + std::to_string(i), i * i * minute_ms / 20, std::to_string(i));
  BOOST_TEST(full.who.conversations->size() == 30U);
  full.speak(over);
  BOOST_TEST(full.decided(decision_kind::review_requested) == lines{"review_requested 1 daily recipes 8"});
}

BOOST_AUTO_TEST_CASE(marks_and_decisions_name_what_the_reviewer_said) {
  auto asks_later = shadow("later");
  asks_later.windows[0].cap_ms = 3 * hour_ms;
  user_fixture user(plain(), {asks_later});
  user.speak(2 * hour_ms + 1);
  review_answer verdict;
  verdict.request = "live-1";
  verdict.score_nano = one_nano;
  verdict.confidence_nano = 0;
  verdict.evidence = {"c-1"};
  verdict.model = "m-1";
  verdict.prompt_version = "p-1";
  verdict.cost_micro = 7;
  user.give(user.make(event_kind::review, 0, verdict));
  user.speak(hour_ms);
  const review_details expected{0, {"c-1"}, "m-1", "p-1", 7};
  const auto said_of = [&](const char* slot) {
    for (const auto& each : user.out.decisions)
      if (each.kind == decision_kind::strike_added and each.slot->slot == slot) return each.said;
    return shared_details();
  };
  // The shadow borrows the live verdict, and all that was said of it.
  for (std::size_t slot = 0; slot < 2; ++slot) {
    const auto said = said_of(slot == 0 ? "live" : "later");
    BOOST_REQUIRE(said);
    BOOST_TEST((*said == expected));
    BOOST_TEST((user.who.standings[slot]->marks.back().said == said));
  }
}

BOOST_AUTO_TEST_CASE(a_failure_names_what_it_cost_and_silence_leaves_nothing) {
  user_fixture user;
  user.speak(2 * hour_ms + 1);
  review_answer failure;
  failure.request = "live-1";
  failure.failed = "the answer was cut off";
  failure.cost_micro = 3;
  user.give(user.make(event_kind::review, 0, failure));
  BOOST_REQUIRE(user.out.decisions.back().said);
  BOOST_TEST((*user.out.decisions.back().said == review_details{{}, {}, "", "", 3}));
  user.speak(1);
  user.answer("live-2", 0.9);
  BOOST_TEST((user.who.standings[0]->marks.back().said == nullptr));
}

BOOST_AUTO_TEST_SUITE_END()
