// SPDX-License-Identifier: Apache-2.0

#include "sim/stage_change.hpp"

#include <vector>

#include <boost/test/unit_test.hpp>

using namespace fairuse;
using namespace fairuse::sim;

namespace {

const slot_label strict_label{"live", true, "strict", "", {"daily", "weekly"}};
const slot_label mild_label{"live", true, "mild", "", {"daily", "weekly"}};

policy ladder(const std::vector<stage>& stages) {
  policy rules;
  rules.review.cooldown_ms = 50;
  for (const auto each : stages) {
    step_rule step;
    step.at = each;
    rules.steps.push_back(step);
  }
  return rules;
}

/// With a cooldown of 50.
const policy whole_ladder = ladder({stage::warning, stage::throttle, stage::restrict});

/// The decisions of two policies about one user.
struct two_chains {
  std::vector<decision> decisions;

  decision& add(const slot_label& of, decision_kind kind, time_ms at) {
    auto& made = decisions.emplace_back();
    made.slot = &of;
    made.kind = kind;
    made.time = at;
    return made;
  }
  void cross(const slot_label& of, time_ms at, std::uint8_t window, std::int64_t cap) {
    auto& made = add(of, decision_kind::cap_crossed, at);
    made.window = window;
    made.sum_ms = cap + 1;
    made.cap_ms = cap;
  }
  void ask(const slot_label& of, time_ms at, std::uint32_t request, std::uint8_t exceeded) {
    auto& made = add(of, decision_kind::review_requested, at);
    made.request = request;
    made.exceeded = exceeded;
    made.sums = {1000 + at, 2000 + at};
  }
  void strike(const slot_label& of, time_ms at, std::uint32_t request, std::uint32_t number, stage from, stage to) {
    auto& made = add(of, decision_kind::strike_added, at);
    made.request = request;
    made.strike = number;
    made.scored = made.qualifying = true;
    made.score_nano = 800'000'000;
    made.from = from;
    made.to = to;
    if (from == to) return;
    auto& change = add(of, decision_kind::stage_changed, at);
    change.why = reason::verdict;
    change.strike = number;
    change.from = from;
    change.to = to;
  }
  /// A warning at 20, for a request of 10 that both windows led to; the weekly cap was crossed first.
  void warn(const slot_label& of) {
    cross(of, 5, 1, 600);
    cross(of, 10, 0, 500);
    ask(of, 10, 1, 0b11);
    strike(of, 20, 1, 1, stage::none, stage::warning);
  }
  stage_reason explain(stage hit = stage::warning, stage spared = stage::none, const policy& rules = whole_ladder) {
    return explain_change(decisions, {&strict_label, &whole_ladder, hit}, {&mild_label, &rules, spared});
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(a_changed_stage)

BOOST_AUTO_TEST_CASE(names_the_window_whose_cap_was_crossed_first_and_the_verdict) {
  two_chains both;
  both.warn(strict_label);
  const auto why = both.explain();
  BOOST_TEST(why.hit.at == 20);
  BOOST_TEST((why.hit.to == stage::warning));
  BOOST_TEST((why.hit.why == reason::verdict));
  BOOST_TEST(why.hit.score_nano.value() == 800'000'000);
  BOOST_TEST(why.hit.window.value() == 1);
  BOOST_TEST(why.hit.sum_ms == 2010);
  BOOST_TEST(why.hit.cap_ms.value() == 600);
  BOOST_TEST((why.spared.by == sparing::cap_not_crossed));
  BOOST_TEST(not why.spared.at.has_value());
}

BOOST_AUTO_TEST_CASE(of_used_up_credits_names_the_window_without_a_request) {
  two_chains both;
  both.cross(strict_label, 10, 0, 500);
  both.strike(strict_label, 10, 0, 1, stage::none, stage::warning);
  for (auto& each : both.decisions)
    each.sums = {501, 0};
  const auto why = both.explain();
  BOOST_TEST(why.hit.window.value() == 0);
  BOOST_TEST(why.hit.sum_ms == 501);
}

BOOST_AUTO_TEST_CASE(has_no_cap_where_it_became_smaller_than_the_sum) {
  two_chains both;
  both.ask(strict_label, 10, 1, 0b10);
  both.strike(strict_label, 20, 1, 1, stage::none, stage::warning);
  const auto why = both.explain();
  BOOST_TEST(why.hit.window.value() == 1);
  BOOST_TEST(not why.hit.cap_ms.has_value());
}

BOOST_AUTO_TEST_CASE(says_how_the_review_of_the_other_policy_ended) {
  struct row {
    std::vector<decision_kind> decided;
    sparing wanted;
  };
  using enum decision_kind;
  for (const auto& [decided, wanted] : std::vector<row>{
           {{}, sparing::cap_not_crossed},
           {{cap_crossed}, sparing::no_review},
           {{cap_crossed, review_requested}, sparing::pending},
           {{cap_crossed, review_requested, review_cleared}, sparing::not_qualifying},
           {{cap_crossed, review_requested, review_unanswered}, sparing::unanswered},
           {{cap_crossed, review_requested, review_failed, review_requested}, sparing::failed},
           {{cap_crossed, review_requested, review_timed_out}, sparing::timed_out},
           {{cap_crossed, review_requested, review_ignored}, sparing::ignored},
           {{cap_crossed, review_requested, strike_added}, sparing::too_few_strikes},
       }) {
    two_chains both;
    both.warn(strict_label);
    time_ms at = 10;
    for (const auto kind : decided)
      both.add(mild_label, kind, at += 5).request = 1;
    const auto why = both.explain();
    BOOST_TEST(to_text(why.spared.by) == to_text(wanted));
  }
}

BOOST_AUTO_TEST_CASE(is_spared_by_the_last_review_while_its_cooldown_runs_and_else_by_the_next_one) {
  struct row {
    std::int64_t cooldown;
    sparing wanted;
  };
  for (const auto& [cooldown, wanted] : {row{6, sparing::failed}, row{5, sparing::not_qualifying}}) {
    two_chains both;
    both.warn(strict_label);
    both.ask(mild_label, 4, 1, 1);
    both.add(mild_label, decision_kind::review_failed, 5);
    both.ask(mild_label, 500, 2, 1);
    both.add(mild_label, decision_kind::review_cleared, 501);
    auto rules = whole_ladder;
    rules.review.cooldown_ms = cooldown;
    BOOST_TEST(to_text(both.explain(stage::warning, stage::none, rules).spared.by) == to_text(wanted));
  }
}

BOOST_AUTO_TEST_CASE(of_a_cleared_user_lasts_as_long_as_the_cooldown_after_clearing) {
  two_chains both;
  both.warn(strict_label);
  both.ask(mild_label, 1, 1, 1);
  both.add(mild_label, decision_kind::review_cleared, 2).score_nano = 100;
  auto rules = whole_ladder;
  rules.review.cooldown_ms = 1;
  rules.review.cleared_cooldown_ms = 9;
  BOOST_TEST((both.explain(stage::warning, stage::none, rules).spared.by == sparing::cap_not_crossed));
  rules.review.cleared_below_nano = 101;
  BOOST_TEST((both.explain(stage::warning, stage::none, rules).spared.by == sparing::not_qualifying));
}

BOOST_AUTO_TEST_CASE(passes_over_reviews_that_ended_long_before) {
  two_chains both;
  for (const auto* label : {&strict_label, &mild_label})
    both.warn(*label);
  both.ask(strict_label, 100, 2, 1);
  both.strike(strict_label, 110, 2, 2, stage::warning, stage::throttle);
  const auto silent = both.explain(stage::throttle, stage::warning);
  BOOST_TEST((silent.hit.to == stage::throttle));
  BOOST_TEST(silent.hit.at == 110);
  BOOST_TEST((silent.spared.by == sparing::no_review));
  BOOST_TEST(silent.hit.asked_at == 100);
  both.ask(mild_label, 100, 2, 1);
  auto& cleared = both.add(mild_label, decision_kind::review_cleared, 110);
  cleared.scored = true;
  cleared.score_nano = 100'000'000;
  const auto told = both.explain(stage::throttle, stage::warning);
  BOOST_TEST((told.spared.by == sparing::not_qualifying));
  BOOST_TEST(told.spared.at.value() == 110);
  BOOST_TEST(told.spared.score_nano.value() == 100'000'000);
}

BOOST_AUTO_TEST_CASE(says_that_the_other_ladder_ends_there) {
  two_chains both;
  for (const auto* label : {&strict_label, &mild_label})
    both.warn(*label);
  both.ask(strict_label, 100, 2, 1);
  both.strike(strict_label, 110, 2, 2, stage::warning, stage::throttle);
  const auto why = both.explain(stage::throttle, stage::warning, ladder({stage::warning}));
  BOOST_TEST((why.spared.by == sparing::last_stage));
}

BOOST_AUTO_TEST_SUITE_END()
