// SPDX-License-Identifier: Apache-2.0
//
// What a certificate proves, condition by condition. tests/core/certificate_model_test.cpp compares it with decisions.
#include "core/certificate.hpp"

#include <array>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "tests/core/user_fixture.hpp"
#include "tests/core/written_run.hpp"

using namespace fairuse;
using namespace fairuse::test;

namespace {

constexpr std::array<std::int32_t, 3> listed_hours{2, 25, 49};

written_run minute_of_speech(std::int64_t late_ms = 0) {
  written_run made;
  made.add(event_kind::speech, monday, late_ms, minute_ms);
  return made;
}

/// Peaks of 2, 25 and 49 hours.
bool certifies(const std::vector<policy>& all, const std::array<std::int64_t, 3>& peaks,
               const written_run& run = minute_of_speech()) {
  return certificate(all).of(run.columns(), {listed_hours, peaks}).has_value();
}

constexpr std::array<std::int64_t, 3> peaks_of(std::int64_t ms) { return {ms, ms, ms}; }

/// plain() with another window, for all plans.
policy with_window(std::int64_t span_ms, std::int64_t cap_ms) {
  auto rules = plain();
  rules.windows = {{"only", span_ms, cap_ms}};
  rules.plans.clear();
  return rules;
}

/// The window of plain(), which is never met.
bool certifies_whole(event_kind kind, event_detail detail) {
  written_run run;
  run.add_whole(kind, monday, std::move(detail));
  return certifies({plain()}, peaks_of(0), run);
}

} // namespace

BOOST_AUTO_TEST_SUITE(certificates)

BOOST_AUTO_TEST_CASE(a_sum_at_the_cap_is_certified_and_a_millisecond_more_is_not) {
  BOOST_TEST(certifies({plain()}, peaks_of(2 * hour_ms)));
  BOOST_TEST(not certifies({plain()}, peaks_of(2 * hour_ms + 1)));
}

BOOST_AUTO_TEST_CASE(the_ceiling_is_met_at_its_value) {
  auto rules = plain();
  rules.ceiling = {day_ms, hour_ms, true};
  BOOST_TEST(certifies({rules}, peaks_of(hour_ms - 1)));
  BOOST_TEST(not certifies({rules}, peaks_of(hour_ms)));
  rules.ceiling.cap_ms = 0;
  BOOST_TEST(certifies({rules}, peaks_of(hour_ms)));
}

BOOST_AUTO_TEST_CASE(the_least_cap_of_all_plans_counts) {
  auto rules = plain();
  rules.plans = {{"more", {4 * hour_ms}}, {"less", {hour_ms}}};
  BOOST_TEST(certifies({rules}, peaks_of(hour_ms)));
  BOOST_TEST(not certifies({rules}, peaks_of(hour_ms + 1)));
}

BOOST_AUTO_TEST_CASE(the_least_cap_of_all_policies_counts) {
  BOOST_TEST(not certifies({plain(), with_window(day_ms, hour_ms)}, peaks_of(hour_ms + 1)));
  BOOST_TEST(not certifies({with_window(day_ms, hour_ms), plain()}, peaks_of(hour_ms + 1)));
  BOOST_TEST(certifies({plain(), with_window(day_ms, hour_ms)}, peaks_of(hour_ms)));
}

BOOST_AUTO_TEST_CASE(every_window_counts) {
  auto rules = with_window(day_ms, 2 * hour_ms);
  rules.windows.push_back({"two days", 2 * day_ms, 3 * hour_ms});
  BOOST_TEST(certifies({rules}, {hour_ms, 2 * hour_ms, 3 * hour_ms}));
  BOOST_TEST(not certifies({rules}, {hour_ms, 2 * hour_ms, 3 * hour_ms + 1}));
  BOOST_TEST(not certifies({rules}, {hour_ms, 2 * hour_ms + 1, 3 * hour_ms}));
}

BOOST_AUTO_TEST_CASE(a_window_touches_an_hour_more_than_it_is_long) {
  const auto most = 2 * hour_ms;
  BOOST_TEST(certifies({with_window(hour_ms, most)}, {most, most + 1, most + 1}));
  BOOST_TEST(not certifies({with_window(hour_ms + second_ms, most)}, {most, most + 1, most + 1}));
  BOOST_TEST(certifies({with_window(day_ms, most)}, {most, most, most + 1}));
  BOOST_TEST(not certifies({with_window(day_ms + second_ms, most)}, {most, most, most + 1}));
}

BOOST_AUTO_TEST_CASE(the_next_longer_span_bounds_one_that_is_not_listed) {
  const auto most = 2 * hour_ms;
  BOOST_TEST(certifies({with_window(5 * hour_ms, most)}, {most, most, most + 1}));
  BOOST_TEST(not certifies({with_window(5 * hour_ms, most)}, {most, most + 1, most + 1}));
}

BOOST_AUTO_TEST_CASE(several_shorter_spans_bound_a_longer_one) {
  // 5 days touch 121 hours: three times 49, or five times 25.
  const auto longer = with_window(5 * day_ms, 6 * hour_ms);
  BOOST_TEST(certifies({longer}, {9 * hour_ms, 9 * hour_ms, 2 * hour_ms}));
  BOOST_TEST(not certifies({longer}, {9 * hour_ms, 9 * hour_ms, 2 * hour_ms + 1}));
  BOOST_TEST(certifies({longer}, {9 * hour_ms, hour_ms + 12 * minute_ms, 9 * hour_ms}));
  BOOST_TEST(not certifies({longer}, {9 * hour_ms, hour_ms + 12 * minute_ms + 1, 9 * hour_ms}));
}

BOOST_AUTO_TEST_CASE(speech_ahead_of_its_now_makes_windows_longer) {
  const auto most = 2 * hour_ms;
  const std::array<std::int64_t, 3> peaks{most, most, most + 1};
  BOOST_TEST(certifies({plain()}, peaks, minute_of_speech(0)));
  BOOST_TEST(not certifies({plain()}, peaks, minute_of_speech(-1)));
  BOOST_TEST(certifies({plain()}, peaks_of(most), minute_of_speech(-1)));
  BOOST_TEST(certifies({with_window(22 * hour_ms, most)}, peaks, minute_of_speech(-2 * hour_ms + second_ms)));
  // Within a second of `now` another hour may begin.
  BOOST_TEST(not certifies({with_window(22 * hour_ms, most)}, peaks, minute_of_speech(-2 * hour_ms)));
}

BOOST_AUTO_TEST_CASE(who_had_no_credits_left_is_decided) {
  account_fact fact;
  fact.plan = "basic";
  BOOST_TEST(certifies_whole(event_kind::account, fact));
  fact.credits_exhausted = false;
  BOOST_TEST(certifies_whole(event_kind::account, fact));
  fact.credits_exhausted = true;
  BOOST_TEST(not certifies_whole(event_kind::account, fact));
}

BOOST_AUTO_TEST_CASE(who_was_erased_is_decided) {
  BOOST_TEST(not certifies_whole(event_kind::erasure, erasure_request{"ada", ""}));
}

BOOST_AUTO_TEST_CASE(who_had_a_command_is_decided) {
  admin_command command;
  command.verb = admin_verb::exempt;
  BOOST_TEST(not certifies_whole(event_kind::admin, command));
}

BOOST_AUTO_TEST_CASE(who_had_an_answer_is_decided) {
  BOOST_TEST(not certifies_whole(event_kind::review, review_answer{}));
}

BOOST_AUTO_TEST_CASE(speech_in_segments_is_certified) {
  BOOST_TEST(certifies_whole(event_kind::speech, speech_segments{{{0, 1'000}}}));
}

BOOST_AUTO_TEST_CASE(late_speech_is_counted_under_the_live_policy) {
  written_run run;
  run.add(event_kind::speech, monday, day_ms, 1);
  run.add(event_kind::speech, monday, day_ms + 1, 0);
  run.add(event_kind::speech, monday, day_ms + 1, 1, lane::sync);
  run.add(event_kind::speech, monday, day_ms + 1, 1, lane::backfill);
  run.add(event_kind::stt, monday, day_ms + 1, 1);
  auto never_late = shadow("never late");
  never_late.metering.fresh_within_ms = 0;
  const std::array<std::int64_t, 3> peaks{};
  const auto moved = [&](const std::vector<policy>& all) {
    return certificate(all).of(run.columns(), {listed_hours, peaks})->moved_to_backfill;
  };
  BOOST_TEST(moved({plain(), never_late}) == 2U);
  BOOST_TEST(moved({never_late, plain()}) == 0U);
}

BOOST_AUTO_TEST_CASE(stt_is_summed) {
  written_run run;
  run.add(event_kind::stt, monday, 0, 70'000);
  run.add(event_kind::speech, monday, 0, 5'000);
  run.add(event_kind::stt, monday, 0, 0);
  run.add(event_kind::stt, monday, 0, 800);
  const std::array<std::int64_t, 3> peaks{};
  const std::vector<policy> all{plain()};
  BOOST_TEST(certificate(all).of(run.columns(), {listed_hours, peaks})->stt_ms == 70'800);
}

BOOST_AUTO_TEST_SUITE_END()
