// SPDX-License-Identifier: Apache-2.0

#include "config/overrides.hpp"

#include <boost/test/unit_test.hpp>

#include "base/system/sha256.hpp"
#include "tests/config/policy_samples.hpp"

using namespace fairuse;
using samples::holds;

namespace {

loaded_deployment shipped() {
  yaml::diagnostics problems{"local.yaml"};
  auto all = load_deployment(samples::source_folder() / "config/local.yaml", {}, problems);
  BOOST_REQUIRE_MESSAGE(all, problems.text());
  return *all;
}

// The one problem of `variables`; the target must not have changed.
std::string problem(const environment& variables, loaded_deployment target = shipped()) {
  const auto before = target.live.digest;
  const auto report = apply_overrides(target, variables);
  BOOST_TEST(report.notes.empty());
  BOOST_TEST(target.live.digest == before);
  BOOST_REQUIRE(report.problems.size() == 1U);
  return report.problems.front();
}

} // namespace

BOOST_AUTO_TEST_SUITE(overrides)

BOOST_AUTO_TEST_CASE(every_variable_is_accepted_and_has_its_effect) {
  auto target = shipped();
  const auto before = target.live.digest;
  const environment variables{
      {"FAIR_USE_ENABLED", "False"},
      {"FAIR_USE_KILL_SWITCH", "true"},
      {"FAIR_USE_DAILY_SPEECH_MS", "3600000"},
      {"FAIR_USE_3DAY_SPEECH_MS", "7200000"},
      {"FAIR_USE_WEEKLY_SPEECH_MS", "10800000"},
      {"FAIR_USE_DAILY_SPEECH_MS_UNLIMITED", "3600001"},
      {"FAIR_USE_3DAY_SPEECH_MS_UNLIMITED", "7200001"},
      {"FAIR_USE_WEEKLY_SPEECH_MS_UNLIMITED", "10800001"},
      {"FAIR_USE_RESTRICT_DAILY_DG_MS", "0"},
      {"FAIR_USE_CLASSIFIER_MODEL", "other"},
      {"FAIR_USE_CLASSIFIER_ABUSE_SCORE_THRESHOLD", "0.8"},
      {"FAIR_USE_CLASSIFIER_COOLDOWN_SECONDS", "3600"},
      {"FAIR_USE_CLASSIFIER_LOOKBACK_DAYS", "14"},
      {"FAIR_USE_CHECK_INTERVAL_SECONDS", "60"},
      {"FAIR_USE_BUCKET_SECONDS", "30"},
      {"FAIR_USE_REDIS_RETENTION_SECONDS", "864000"},
      {"FAIR_USE_EXEMPT_UIDS", "b, a,,a"},
      {"MAX_DAILY_AUDIO_HOURS", "20"},
      {"PATH", "/bin"},
      {"FAIRUSE_CASE_KEY", "is another one"},
  };
  const auto report = apply_overrides(target, variables);
  for (const auto& each : report.problems)
    BOOST_ERROR(each);
  BOOST_TEST(report.notes.size() == 18U);
  const auto& live = target.live;
  const auto& settings = target.settings;
  BOOST_TEST((not settings.enabled and settings.kill_switch));
  BOOST_TEST((live.windows[0].cap_ms == 3'600'000 and live.windows[1].cap_ms == 7'200'000));
  BOOST_TEST(live.windows[2].cap_ms == 10'800'000);
  BOOST_TEST((live.cap_ms(0, "unlimited") == 3'600'001 and live.cap_ms(2, "unlimited") == 10'800'001));
  BOOST_TEST(live.budget.per_utc_day_ms == 0);
  BOOST_TEST(settings.reviewer.model == "other");
  BOOST_TEST(live.review.score_gate_nano == 800'000'000);
  BOOST_TEST((live.review.cooldown_ms == hour_ms and live.review.check_interval_ms == minute_ms));
  BOOST_TEST(live.review.lookback_ms == 14 * day_ms);
  BOOST_TEST(live.metering.bucket_s == 30);
  BOOST_TEST(settings.retention.usage_ms == 10 * day_ms);
  BOOST_TEST((settings.exempt == std::vector<std::string>{"a", "b"}));
  BOOST_TEST(live.ceiling.cap_ms == 20 * hour_ms);
  BOOST_TEST(live.digest != before);
  BOOST_TEST(live.digest == sha256_hex(canonical(live)));
}

BOOST_AUTO_TEST_CASE(a_note_says_what_changed_in_the_file_s_own_words) {
  auto target = shipped();
  const auto report =
      apply_overrides(target, {{"FAIR_USE_DAILY_SPEECH_MS", "5400000"}, {"FAIR_USE_EXEMPT_UIDS", "u1"}});
  BOOST_REQUIRE(report.notes.size() == 2U);
  BOOST_TEST(report.notes[0].variable == "FAIR_USE_DAILY_SPEECH_MS");
  BOOST_TEST(report.notes[0].changed == "fair: windows.daily.cap");
  BOOST_TEST(report.notes[0].before == "2h");
  BOOST_TEST(report.notes[0].after == "1h30m");
  // No user id may reach a log line.
  BOOST_TEST(report.notes[1].after == "1 users");
}

BOOST_AUTO_TEST_CASE(without_variables_nothing_changes) {
  auto target = shipped();
  const auto before = target.live.digest;
  const auto report = apply_overrides(target, {{"HOME", "/root"}});
  BOOST_TEST((report.notes.empty() and report.problems.empty()));
  BOOST_TEST(target.live.digest == before);
}

BOOST_AUTO_TEST_CASE(the_field_s_defaults_are_the_default_policy) {
  auto target = shipped();
  const auto before = target.live.digest;
  const auto report = apply_overrides(target, {{"FAIR_USE_DAILY_SPEECH_MS", "7200000"},
                                               {"FAIR_USE_3DAY_SPEECH_MS", "28800000"},
                                               {"FAIR_USE_WEEKLY_SPEECH_MS", "36000000"},
                                               {"FAIR_USE_DAILY_SPEECH_MS_UNLIMITED", "14400000"},
                                               {"FAIR_USE_3DAY_SPEECH_MS_UNLIMITED", "57600000"},
                                               {"FAIR_USE_WEEKLY_SPEECH_MS_UNLIMITED", "72000000"},
                                               {"FAIR_USE_RESTRICT_DAILY_DG_MS", "1800000"},
                                               {"FAIR_USE_CLASSIFIER_MODEL", "gpt-5.1"},
                                               {"FAIR_USE_CLASSIFIER_ABUSE_SCORE_THRESHOLD", "0.7"},
                                               {"FAIR_USE_CLASSIFIER_COOLDOWN_SECONDS", "43200"},
                                               {"FAIR_USE_CLASSIFIER_LOOKBACK_DAYS", "7"},
                                               {"FAIR_USE_CHECK_INTERVAL_SECONDS", "300"},
                                               {"FAIR_USE_BUCKET_SECONDS", "60"},
                                               {"FAIR_USE_REDIS_RETENTION_SECONDS", "691200"},
                                               {"MAX_DAILY_AUDIO_HOURS", "30"}});
  BOOST_TEST(report.problems.empty());
  BOOST_TEST(target.live.digest == before);
}

BOOST_AUTO_TEST_CASE(bad_values_are_refused_with_the_variable_and_a_remedy) {
  BOOST_TEST(problem({{"FAIR_USE_DAILY_SPEECH_MS", "2h"}})
             == "FAIR_USE_DAILY_SPEECH_MS is '2h'; write a whole number of milliseconds, without unit, or unset it");
  BOOST_TEST(holds(problem({{"FAIR_USE_ENABLED", "yes"}}), "write true or false"));
  BOOST_TEST(holds(problem({{"FAIR_USE_ENABLED", ""}}), "write true or false"));
  BOOST_TEST(holds(problem({{"FAIR_USE_CLASSIFIER_ABUSE_SCORE_THRESHOLD", "70"}}), "a score from 0 to 1"));
  BOOST_TEST(holds(problem({{"FAIR_USE_CLASSIFIER_MODEL", ""}}), "name a model"));
  BOOST_TEST(holds(problem({{"FAIR_USE_CHECK_INTERVAL_SECONDS", "-1"}}), "whole number of seconds"));
  BOOST_TEST(holds(problem({{"FAIR_USE_EXEMPT_UIDS", "a,*"}}), "FAIR_USE_KILL_SWITCH=true"));
  BOOST_TEST(holds(problem({{"MAX_DAILY_AUDIO_HOURS", "99999999999999999"}}), "whole number of hours"));
}

BOOST_AUTO_TEST_CASE(unknown_names_are_refused_all_at_once) {
  auto target = shipped();
  const auto report = apply_overrides(target, {{"FAIR_USE_ENABLE", "true"}, {"FAIR_USE_BANANA", "1"}});
  BOOST_REQUIRE(report.problems.size() == 2U);
  BOOST_TEST(report.problems[0].starts_with("FAIR_USE_BANANA is not a setting of fairuse; known: FAIR_USE_ENABLED, "));
  BOOST_TEST(report.problems[1] == "FAIR_USE_ENABLE is not a setting of fairuse; did you mean 'FAIR_USE_ENABLED'?");
}

BOOST_AUTO_TEST_CASE(variables_that_do_not_fit_the_live_policy_are_refused) {
  auto target = shipped();
  target.live = samples::accepted("name: mine\nwindows: {day: {span: 24h, cap: 2h}, weekly: {span: 168h, cap: 9h}}\n");
  BOOST_TEST(problem({{"FAIR_USE_DAILY_SPEECH_MS", "1"}}, target) ==
             "FAIR_USE_DAILY_SPEECH_MS sets the cap of the window 'daily', which the live policy 'mine' does not have "
             "(it has day, weekly); unset it");
  BOOST_TEST(holds(problem({{"FAIR_USE_WEEKLY_SPEECH_MS_UNLIMITED", "1"}}, target), "a cap of the plan 'unlimited'"));
}

BOOST_AUTO_TEST_CASE(what_makes_no_sense_with_the_variables_is_warned_of_and_applied) {
  auto target = shipped();
  const auto senseless = apply_overrides(target, {{"FAIR_USE_DAILY_SPEECH_MS", "0"}});
  BOOST_TEST(senseless.problems.empty());
  BOOST_REQUIRE(not senseless.warnings.empty());
  BOOST_TEST(senseless.warnings.front()
             == "FAIR_USE_DAILY_SPEECH_MS: with this the live policy makes no sense: windows.daily.cap: 0 does not "
                "switch a window off: any speech at all exceeds it");
  target = shipped();
  BOOST_TEST(apply_overrides(target, {{"FAIR_USE_DAILY_SPEECH_MS", "7200000"}}).warnings.empty());
  for (const auto* list : {"a;b", "a b,c"}) {
    target = shipped();
    const auto split = apply_overrides(target, {{"FAIR_USE_EXEMPT_UIDS", list}});
    BOOST_REQUIRE(split.warnings.size() == 1U);
    BOOST_TEST(split.warnings.front()
               == "FAIR_USE_EXEMPT_UIDS has a user id with a semicolon or a space in it; only a comma stands between "
                  "two users");
  }
}

BOOST_AUTO_TEST_CASE(what_could_not_go_into_json_is_refused) {
  BOOST_TEST(problem({{"FAIR_USE_EXEMPT_UIDS", "Sch\xf6n"}}) == "FAIR_USE_EXEMPT_UIDS is no UTF-8");
  BOOST_TEST(problem({{"FAIR_USE_CLASSIFIER_MODEL", "\xff"}}) == "FAIR_USE_CLASSIFIER_MODEL is no UTF-8");
  BOOST_TEST(problem({{"FAIR_USE_CLASSIFIER_MODEL", "a\nb"}}) == "FAIR_USE_CLASSIFIER_MODEL holds a control character");
}

BOOST_AUTO_TEST_CASE(values_that_exclude_each_other_are_refused) {
  BOOST_TEST(holds(problem({{"FAIR_USE_BUCKET_SECONDS", "7"}}), "divides an hour"));
  BOOST_TEST(holds(problem({{"FAIR_USE_CLASSIFIER_ABUSE_SCORE_THRESHOLD", "0.2"}}), "is not below the score"));
  BOOST_TEST(holds(problem({{"FAIR_USE_CLASSIFIER_LOOKBACK_DAYS", "31"}}), "review.lookback"));
  auto target = shipped();
  // Too short for the live policy's week and for the shadow's.
  BOOST_TEST(apply_overrides(target, {{"FAIR_USE_REDIS_RETENTION_SECONDS", "86400"}}).problems.size() == 4U);
}

BOOST_AUTO_TEST_SUITE_END()
