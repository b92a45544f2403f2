// SPDX-License-Identifier: Apache-2.0

#include "sim/reviewer.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include "tests/sim/laboratory_fixture.hpp"

namespace fairuse::sim {

using testing::shipped_population;
using testing::shipped_reviewer;

namespace {

constexpr std::int32_t gate_nano = 700'000'000;
constexpr time_ms noon = 1'772'366'400'000;

struct tally {
  int verdicts = 0;
  int failed = 0;
  int passed_gate = 0;
  int low = 0;
};

/// One review each of many users of a cohort.
tally ask_about(const std::string& cohort, std::uint32_t users) {
  const reviewer_model& model = shipped_reviewer();
  tally out;
  for (std::uint32_t user = 0; user < users; ++user) {
    const simulated_review answer = review(model, model.of(cohort), 1, uid_of(user), noon + user);
    if (answer.failed) {
      ++out.failed;
      continue;
    }
    ++out.verdicts;
    out.passed_gate += answer.score_nano >= gate_nano ? 1 : 0;
    out.low += answer.score_nano >= 100'000'000 && answer.score_nano <= 350'000'000 ? 1 : 0;
  }
  return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(reviewers)

BOOST_AUTO_TEST_CASE(users_without_misuse_score_low_with_few_errors) {
  for (const cohort& each : shipped_population().cohorts) {
    if (each.label == truth::misuse) continue;
    const tally got = ask_about(each.name, 20'000);
    BOOST_TEST_CONTEXT(each.name) {
      BOOST_TEST(got.low > got.verdicts * 7 / 10);
      BOOST_TEST(got.passed_gate > 0);
      BOOST_TEST(got.passed_gate < got.verdicts / 100);
    }
  }
}

BOOST_AUTO_TEST_CASE(misuse_scores_high_with_some_misses) {
  for (const cohort& each : shipped_population().cohorts) {
    if (each.label != truth::misuse) continue;
    const tally got = ask_about(each.name, 20'000);
    BOOST_TEST_CONTEXT(each.name) {
      BOOST_TEST(got.passed_gate > got.verdicts * 8 / 10);
      BOOST_TEST(got.passed_gate < got.verdicts * 99 / 100);
    }
  }
}

BOOST_AUTO_TEST_CASE(reviews_fail_as_often_as_the_model_says) {
  const tally got = ask_about("ordinary", 50'000);
  BOOST_TEST(got.failed > 850);
  BOOST_TEST(got.failed < 1'150);
}

BOOST_AUTO_TEST_CASE(latencies_lie_between_seconds_and_minutes) {
  const reviewer_model& model = shipped_reviewer();
  std::vector<time_ms> latencies;
  for (std::uint32_t user = 0; user < 20'000; ++user)
    latencies.push_back(review(model, model.of(""), 1, uid_of(user), noon).latency_ms);
  std::sort(latencies.begin(), latencies.end());
  BOOST_TEST(latencies.front() >= 5 * second_ms);
  BOOST_TEST(latencies.back() <= 20 * minute_ms);
  BOOST_TEST(latencies[10'000] > 11 * second_ms);
  BOOST_TEST(latencies[10'000] < 13 * second_ms);
}

RC_BOOST_PROP(an_answer_depends_on_seed_uid_and_instant_only, (std::uint64_t seed)) {
  const reviewer_model& model = shipped_reviewer();
  const std::string uid = uid_of(*rc::gen::inRange<std::uint32_t>(0, 1'000'000));
  const auto at = *rc::gen::inRange<time_ms>(0, 4'000'000'000'000);
  const review_profile& profile = model.of("podcast");
  const simulated_review first = review(model, profile, seed, uid, at);
  const simulated_review again = review(model, profile, seed, uid, at);
  RC_ASSERT(first.latency_ms == again.latency_ms);
  RC_ASSERT(first.failed == again.failed);
  RC_ASSERT(first.score_nano == again.score_nano);
  RC_ASSERT(first.confidence_nano == again.confidence_nano);
  RC_ASSERT(first.type == again.type);
}

BOOST_AUTO_TEST_CASE(some_users_are_misread_every_time) {
  review_profile profile = shipped_reviewer().of("podcast");
  profile.astray_users = 100'000;
  profile.astray_reviews = 0;
  int misread = 0;
  for (std::uint32_t user = 0; user < 2'000; ++user) {
    const bool first = review(shipped_reviewer(), profile, 1, uid_of(user), noon).astray;
    bool every_time = true;
    for (time_ms day = 0; day < 20; ++day) {
      const simulated_review answer = review(shipped_reviewer(), profile, 1, uid_of(user), noon + day * day_ms);
      every_time = every_time && (answer.failed || answer.astray == first || !first);
    }
    BOOST_TEST(every_time);
    misread += first ? 1 : 0;
  }
  BOOST_TEST(misread > 150);
  BOOST_TEST(misread < 250);
}

BOOST_AUTO_TEST_CASE(a_cohort_without_a_profile_gets_the_default) {
  BOOST_TEST(shipped_reviewer().of("ordinary").cohort == "");
  BOOST_TEST(shipped_reviewer().of("audiobook").cohort == "audiobook");
}

BOOST_AUTO_TEST_CASE(a_profile_of_an_unknown_cohort_is_refused) {
  yaml::diagnostics problems{"r.yaml"};
  const auto root = yaml::parse(
      "name: r\nlatency: {0: 1s, 1: 2s}\nconfidence: {0: 0.5, 1: 0.9}\n"
      "default: {score: {0: 0.1, 1: 0.3}, astray: {0: 0.7, 1: 0.9}}\n"
      "cohorts:\n  podcasts: {score: {0: 0.1, 1: 0.3}, astray: {0: 0.7, 1: 0.9}}\n",
      problems);
  BOOST_TEST(!read_reviewer(root.value(), &shipped_population(), problems).has_value());
  BOOST_TEST(problems.text().find("no cohort 'podcasts'") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse::sim
