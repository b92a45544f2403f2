// SPDX-License-Identifier: Apache-2.0

#include "config/lint.hpp"

#include <algorithm>

#include <boost/test/unit_test.hpp>

#include "tests/config/policy_samples.hpp"

using namespace fairuse;
using samples::holds;
using samples::least;
using samples::linted;

namespace {

struct lint_row {
  const char* what;
  std::string text;
  // Part of the warning; empty: nothing at all is said.
  const char* expected;
};

std::string windows(const std::string& list) { return "name: x\nwindows: {" + list + "}\n"; }

std::string ladder(const std::string& steps) {
  return least + "budget: {per_utc_day: 0}\nladder: {steps: [" + steps + "]}\n";
}

} // namespace

BOOST_AUTO_TEST_SUITE(policy_linter)

BOOST_AUTO_TEST_CASE(dominated_caps_are_named) {
  const std::vector<lint_row> rows{
      {"one window", least, ""},
      {"binding", windows("d: {span: 24h, cap: 2h}, w: {span: 168h, cap: 10h}"), ""},
      {"just binding", windows("d: {span: 24h, cap: 2h}, t: {span: 72h, cap: 5h59m}"), ""},
      {"never first", windows("d: {span: 24h, cap: 2h}, t: {span: 72h, cap: 6h}"),
       "p:2:56: warning: windows.t.cap: t (6h) can never be the first cap that is exceeded while d is 2h; it would "
       "have "
       "to be below 6h"},
      // 2h at both ends of 36h: 4h in it, and never more than 2h in 24h.
      {"no multiple", windows("d: {span: 24h, cap: 2h}, t: {span: 36h, cap: 3h}"), ""},
      {"no multiple, rounded up", windows("d: {span: 24h, cap: 2h}, t: {span: 36h, cap: 4h}"), "below 4h"},
      {"shorter never first", windows("d: {span: 24h, cap: 10h}, w: {span: 168h, cap: 10h}"),
       "windows.d.cap: d (10h) can never be exceeded before the longer window w (10h)"},
      {"of a plan", windows("d: {span: 24h, cap: 2h}, w: {span: 168h, cap: 10h}") + "plans: {pro: {d: 2h, w: 14h}}\n",
       "p:3:25: warning: plans.pro.w: w (14h) can never be the first cap"},
  };
  for (const auto& row : rows) {
    const auto said = linted(row.text);
    BOOST_TEST((*row.expected == '\0' ? said.empty() : holds(said, row.expected)), row.what << ": " << said);
  }
}

BOOST_AUTO_TEST_CASE(unreachable_stages_are_named) {
  const std::string warning = "{stage: warning, ends_after: 30d}, ";
  const std::vector<lint_row> rows{
      {"reachable", ladder(warning + "{stage: throttle, strikes: 2, within: 7d, ends_after: 7d}"), ""},
      {"fits exactly not", ladder(warning + "{stage: throttle, strikes: 2, within: 24h, ends_after: 7d}"),
       "throttle can never be reached: 2 strikes, at least 12h apart, do not fit into 24h"},
      {"fits by a second", ladder(warning + "{stage: throttle, strikes: 2, within: 24h1s, ends_after: 7d}"), ""},
      {"cooldown longer than the window",
       ladder(warning + "{stage: throttle, strikes: 1, within: 11h, ends_after: 7d}"), "throttle can never be reached"},
      {"over before the next review", ladder("{stage: warning, ends_after: 6h}, {stage: throttle, ends_after: 7d}"),
       "throttle can never be reached: warning ends after 6h, and the next review is at least 12h away"},
      {"no predecessor", ladder("{stage: throttle, ends_after: 7d}"), "the ladder begins with throttle"},
      {"no throttle", ladder(warning + "{stage: restrict, ends_after: 7d}"), "restrict follows a mere warning"},
      {"fewer strikes",
       ladder("{stage: warning, strikes: 3, within: 7d, ends_after: 30d}, {stage: throttle, strikes: 1, "
              "within: 7d, ends_after: 7d}"),
       "throttle asks for fewer strikes than the milder warning"},
  };
  for (const auto& row : rows) {
    auto said = linted(row.text);
    const std::string budget_note =
        "p:3:23: note: budget.per_utc_day: 0 switches the budget off; it does not mean that "
        "nothing may be transcribed\n";
    BOOST_REQUIRE(said.starts_with(budget_note));
    said.erase(0, budget_note.size());
    BOOST_TEST((*row.expected == '\0' ? said.empty() : holds(said, row.expected)), row.what << ": " << said);
  }
}

BOOST_AUTO_TEST_CASE(promises_that_cannot_be_kept_are_named) {
  const std::vector<lint_row> rows{
      {"no end", ladder("{stage: warning}"), "warning has no end, so its notification cannot say when it ends"},
      {"does nothing", ladder("{stage: warning, notify: false}"), "warning notifies nobody and does nothing"},
      {"budget for ever", least + "ladder: {steps: [{stage: restrict, notify: false}]}\n", "the budget holds for ever"},
      {"little of no budget", least + "budget: {per_utc_day: 0s, low: 0.8}\n",
       "budget.low: nobody is told that little is left"},
      {"budget of a day", least + "budget: {per_utc_day: 24h}\n", "a day can be used up by parallel recordings only"},
      {"every review", least + "review: {score: 0, cleared: {below: 0}}\n", "every review is a strike"},
      {"only the sure", least + "review: {score: 1}\n", "entirely sure"},
      {"every event", least + "review: {cooldown: 0, check_interval: 0}\n", "every event of a user above a cap"},
      {"no cooldown", least + "review: {cooldown: 0}\n", "note: review.cooldown: 0 switches the cooldown off"},
      {"cleared sooner", least + "review: {cleared: {cooldown: 1h}}\n",
       "reviewed again sooner (1h) than a suspect (12h)"},
      {"long timeout", least + "review: {timeout: 13h}\n", "no other can start meanwhile"},
      {"short lookback", least + "review: {lookback: 1h}\n", "the reviewer sees 1h"},
      {"every finished review", least + "ladder: {counts: finished_reviews}\n", "counts as a strike"},
      {"ceiling off", least + "ceiling: {cap: 0}\n", "note: ceiling.cap: 0 switches the ceiling off"},
      {"ceiling without effect", least + "ceiling: {refuses: []}\n", "the ceiling refuses nothing"},
      {"ceiling below the cap", least + "ceiling: {cap: 2h}\n", "refuses uploads before the cap of daily (2h)"},
      {"cap 0", windows("d: {span: 24h, cap: 0}"), "0 does not switch a window off"},
      {"cap above span", windows("d: {span: 1h, cap: 2h}"), "2h in 1h can be exceeded by parallel recordings only"},
      {"free and raised", least + "plans: {free: [pro], pro: {daily: 3h}}\n", "is a free plan with raised caps"},
      {"lowered", least + "plans: {pro: {daily: 1h}}\n", "1h is lower than everybody's cap of 2h"},
      {"the same", least + "plans: {pro: {daily: 2h}}\n", "has everybody's caps"},
      {"no free plan", least + "plans: {free: []}\n", "an upgrade clears nothing"},
      {"no lane", least + "lanes: {realtime: meter, sync: meter}\n", "no lane is enforced"},
      {"backlog", least + "lanes: {backfill: enforce}\n", "uploaded late count against live caps"},
      {"arrival", least + "metering: {time_basis: arrival, fresh_within: 0}\n", "counts as today's speech"},
      {"idle cooldown", least + "review: {cleared: {below: 0, cooldown: 72h}}\n", "has no effect: `below` is 0"},
      {"idle hard", ladder("{stage: warning, ends_after: 1d}") + "hard: {caps: default}\n", "no stage has the action"},
      {"idle within", ladder("{stage: warning, within: 7d, ends_after: 1d}"),
       "`within` has no effect without `strikes`"},
      {"idle falls_to", ladder("{stage: warning}, {stage: throttle, falls_to: warning}"),
       "`falls_to` has no effect without `ends_after`"},
  };
  for (const auto& row : rows) {
    const auto said = linted(row.text);
    BOOST_TEST(holds(said, row.expected), row.what << ": " << said);
  }
}

BOOST_AUTO_TEST_CASE(a_file_without_plans_is_told_that_no_plan_has_caps_of_its_own) {
  const auto told = [](const std::string& text) {
    yaml::diagnostics problems{"p"};
    const auto root = yaml::parse(text, problems);
    const auto rules = bind_policy(*root, problems);
    lint(*rules, *root, problems);
    return problems.text();
  };
  BOOST_TEST(holds(told(least),
                   "p:2:10: warning: plans: there are none, so the caps of `windows` are those of every "
                   "plan"));
  BOOST_TEST(told(least + "plans: {free: [basic]}\n") == "");
  BOOST_TEST(told(least + "plans: {unlimited: {daily: 4h}}\n") == "");
}

BOOST_AUTO_TEST_CASE(the_default_policy_has_the_two_known_warnings_and_the_presets_their_weaknesses) {
  const auto fair = linted(samples::content(samples::policies() / "fair.yaml"));
  BOOST_TEST(holds(fair, "3day (8h) can never be the first cap"));
  BOOST_TEST(holds(fair, "3day (16h) can never be the first cap"));
  BOOST_TEST(std::count(fair.begin(), fair.end(), '\n') == 3);
  const auto older = linted(samples::content(samples::policies() / "omi-2026-03.yaml"));
  BOOST_TEST(holds(older, "counts as today's speech"));
  BOOST_TEST(holds(older, "throttle has no end"));
  BOOST_TEST(holds(older, "a review that clears the user counts as a strike"));
}

BOOST_AUTO_TEST_SUITE_END()
