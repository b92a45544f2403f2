// SPDX-License-Identifier: Apache-2.0

#include "config/policy_file.hpp"

#include <algorithm>

#include <boost/test/unit_test.hpp>

#include "config/presets.hpp"
#include "tests/config/policy_samples.hpp"

using namespace fairuse;
using samples::accepted;
using samples::holds;
using samples::least;
using samples::refused;

namespace {

std::vector<std::filesystem::path> corpus(const char* kind) {
  std::vector<std::filesystem::path> files;
  for (const auto& each : std::filesystem::directory_iterator{samples::source_folder() / "tests/data/policies" / kind})
    if (each.path().extension() == ".yaml" or each.path().extension() == ".json") files.push_back(each.path());
  std::sort(files.begin(), files.end());
  BOOST_REQUIRE(not files.empty());
  return files;
}

policy preset(const char* file) {
  yaml::diagnostics problems{file};
  auto rules = load_policy(samples::policies() / file, problems);
  BOOST_REQUIRE_MESSAGE(rules, problems.text());
  return *rules;
}

// Everything of `rules` but its name: what makes two policies decide alike.
std::string rules_of(policy rules) {
  rules.name = "same";
  return canonical(rules);
}

} // namespace

BOOST_AUTO_TEST_SUITE(policy_files)

BOOST_AUTO_TEST_CASE(every_valid_file_of_the_corpus_is_accepted) {
  for (const auto& file : corpus("valid")) {
    yaml::diagnostics problems{file.filename().string()};
    const auto rules = load_policy(file, problems);
    BOOST_TEST(rules.has_value(), problems.text());
    if (rules) BOOST_TEST(rules->digest.size() == 64, file);
  }
}

BOOST_AUTO_TEST_CASE(every_invalid_file_of_the_corpus_is_refused_with_its_expected_message) {
  for (const auto& file : corpus("invalid")) {
    yaml::diagnostics problems{file.filename().string()};
    BOOST_TEST(not load_policy(file, problems).has_value(), file);
    auto expected = file;
    expected.replace_extension(".expected");
    BOOST_TEST(problems.text() == samples::content(expected), file << " says\n" << problems.text());
  }
}

BOOST_AUTO_TEST_CASE(what_a_file_does_not_say_is_what_the_default_policy_says) {
  const auto fair = preset("fair.yaml");
  const auto short_form = accepted(
      "name: short\nwindows: {daily: {span: 24h, cap: 2h}, 3day: {span: 72h, cap: 8h}, weekly: {span: 168h, cap: "
      "10h}}\n"
      "plans: {unlimited: {daily: 4h, 3day: 16h, weekly: 20h}}\n");
  BOOST_TEST(rules_of(fair) == rules_of(short_form));
  BOOST_TEST(fair.digest != short_form.digest);
}

BOOST_AUTO_TEST_CASE(the_default_policy_has_none_of_the_known_weaknesses) {
  const auto fair = preset("fair.yaml");
  BOOST_TEST((fair.metering.basis == time_basis::event));
  BOOST_TEST((fair.counts == strike_basis::qualifying));
  for (const auto& step : fair.steps)
    BOOST_TEST(step.ends_after_ms > 0);
  BOOST_TEST((fair.hard == hard_caps::plan and fair.retry == hard_retry::drain));
  BOOST_TEST(fair.budget.track_from_trigger);
}

BOOST_AUTO_TEST_CASE(the_presets_say_what_the_compatibility_cases_fix) {
  for (const auto* file : {"omi-2026-03.yaml", "omi-newest.yaml"}) {
    const bool newest = std::string_view{file} == "omi-newest.yaml";
    const auto rules = preset(file);
    BOOST_TEST(rules.name + ".yaml" == file);
    BOOST_TEST((rules.metering == metering_profile{60, time_basis::arrival, 0}));
    BOOST_TEST((rules.enforced_lanes == std::array{true, true, false, false}));
    BOOST_REQUIRE(rules.windows.size() == 3U);
    BOOST_TEST((rules.windows[0].name == "daily" and rules.windows[0].cap_ms == 7'200'000));
    BOOST_TEST((rules.windows[1].name == "3day" and rules.windows[1].cap_ms == 28'800'000));
    BOOST_TEST((rules.windows[2].name == "weekly" and rules.windows[2].cap_ms == 36'000'000));
    BOOST_TEST(rules.is_free("basic"));
    BOOST_TEST(not rules.is_free("unlimited"));
    BOOST_TEST(rules.cap_ms(0, "unlimited") == (newest ? 14'400'000 : 7'200'000));
    BOOST_TEST(rules.cap_ms(2, "unlimited") == (newest ? 72'000'000 : 36'000'000));
    BOOST_TEST(rules.ceiling.cap_ms == (newest ? 30 * hour_ms : 0));
    BOOST_TEST((rules.review.last_stage == (newest ? at_last_stage::skip : at_last_stage::review)));
    BOOST_TEST((rules.on_upgrade == (newest ? upgrade_rule::clear_if_last_free : upgrade_rule::nothing)));
    BOOST_TEST(rules.review.cleared_below_nano + rules.review.check_interval_ms + rules.review.retry_after_ms == 0);
    BOOST_TEST((rules.review.score_gate_nano == 700'000'000 and rules.review.cooldown_ms == 12 * hour_ms));
    BOOST_TEST((rules.counts == strike_basis::finished_reviews));
    BOOST_REQUIRE(rules.steps.size() == 3U);
    BOOST_TEST((rules.steps[0].strikes == 0 and rules.steps[0].ends_after_ms == 0));
    BOOST_TEST((rules.steps[1].strikes == 2 and rules.steps[1].within_ms == 7 * day_ms));
    BOOST_TEST(rules.steps[1].ends_after_ms == 0);
    BOOST_TEST((rules.steps[2].strikes == 3 and rules.steps[2].within_ms == 7 * day_ms));
    BOOST_TEST((rules.steps[2].ends_after_ms == 30 * day_ms and rules.steps[2].falls_to == stage::throttle));
    BOOST_TEST(rules.steps[2].hard_caps);
    BOOST_TEST((rules.hard == hard_caps::base and rules.retry == hard_retry::deadline));
    BOOST_TEST((rules.budget.per_utc_day_ms == 30 * minute_ms and rules.budget.at == stage::restrict));
    BOOST_TEST((not rules.budget.track_from_trigger and rules.budget.charge_stt and rules.budget.charge_uploads));
    BOOST_TEST((rules.on_reset == reset_rule::keep and rules.off == off_rule::nothing));
  }
}

BOOST_AUTO_TEST_CASE(the_program_carries_the_policies_that_ship) {
  for (const auto* name : {"fair", "omi-2026-03", "omi-newest"}) {
    const auto text = preset_text(name);
    BOOST_REQUIRE(text.has_value());
    BOOST_TEST(accepted(std::string{*text}).digest == preset((std::string{name} + ".yaml").c_str()).digest);
  }
  BOOST_TEST(not preset_text("nothing").has_value());
}

BOOST_AUTO_TEST_CASE(windows_are_ordered_by_their_span_whatever_the_file_says) {
  const auto rules = accepted(
      "name: x\nwindows:\n  week: {span: 168h, cap: 9h}\n  day: {span: 24h, cap: 2h}\n"
      "plans: {pro: {week: 10h, day: 3h}}\n");
  BOOST_TEST(rules.windows[0].name == "day");
  BOOST_TEST(rules.cap_ms(0, "pro") == 3 * hour_ms);
  BOOST_TEST(rules.cap_ms(1, "pro") == 10 * hour_ms);
  BOOST_TEST(rules.cap_ms(1, "other") == 9 * hour_ms);
}

BOOST_AUTO_TEST_CASE(the_ladder_is_walked_from_stage_to_stage) {
  const auto rules = accepted(least + "ladder: {steps: [{stage: warning}, {stage: restrict}]}\n");
  BOOST_TEST((rules.step_after(stage::none)->at == stage::warning));
  BOOST_TEST((rules.step_after(stage::warning)->at == stage::restrict));
  BOOST_TEST((rules.step_after(stage::throttle)->at == stage::restrict));
  BOOST_TEST(rules.step_after(stage::restrict) == nullptr);
  BOOST_TEST(rules.step_of(stage::none) == nullptr);
  BOOST_TEST(rules.step_of(stage::throttle) == nullptr);
}

BOOST_AUTO_TEST_CASE(a_contradiction_is_not_reported_about_a_section_that_is_broken_anyway) {
  const auto said = refused(least + "ladder: {steps: [{stage: warning, notfy: true}]}\n");
  BOOST_TEST(said == "p:3:35: error: unknown key 'notfy' in ladder.steps[0]; did you mean 'notify'?\n");
}

BOOST_AUTO_TEST_CASE(faults_of_syntax_and_of_meaning_are_reported_together) {
  const auto said = refused(least + "off: shadow\noff: nothing\nreview: {cooldown: 12}\nbudget: {stage: throtle}\n");
  BOOST_TEST(holds(said, "duplicate key 'off'"));
  BOOST_TEST(holds(said, "needs a unit"));
  BOOST_TEST(holds(said, "did you mean 'throttle'?"));
}

BOOST_AUTO_TEST_CASE(a_file_of_nonsense_is_refused_quickly) {
  std::string many = least;
  for (int i = 0; i < 20'000; ++i)
    many += "key" + std::to_string(i) + ": 1\n";
  BOOST_TEST(holds(refused(many), "19980 more unknown keys"));
  BOOST_TEST(holds(refused("- a\n- b\n"), "a policy is a map"));
  BOOST_TEST(holds(refused("hello"), "a policy is a map"));
}

BOOST_AUTO_TEST_CASE(policies_changed_in_memory_are_held_to_the_same_rules) {
  auto rules = accepted(least);
  BOOST_TEST(contradictions(rules).empty());
  rules.metering.bucket_s = 7;
  rules.windows.clear();
  rules.review.timeout_ms = 0;
  rules.budget.charge_stt = false;
  BOOST_TEST(contradictions(rules).size() == 4U);
}

BOOST_AUTO_TEST_SUITE_END()
