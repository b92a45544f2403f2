// SPDX-License-Identifier: Apache-2.0
//
// What is certified decides nothing: certificates against core itself, on traffic near the caps.
#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include "core/certificate.hpp"
#include "core/rules.hpp"
#include "tests/core/written_run.hpp"

using namespace fairuse;

namespace {

constexpr time_ms monday = 1'772'409'600'000;
constexpr std::array<std::int32_t, 5> listed_hours{2, 3, 7, 25, 49};

struct spoken_event {
  time_ms now = 0;
  time_ms late_ms = 0;
  std::int32_t ms = 0;
  event_kind kind = event_kind::speech;
  lane from = lane::realtime;
};

template <class T>
T one_of(std::initializer_list<T> all) {
  return *rc::gen::elementOf(std::vector<T>(all));
}

/// In the order of `now`, often at an edge of an hour, of a day or of a second.
std::vector<spoken_event> some_speech() {
  std::vector<spoken_event> all;
  auto now = monday + one_of<time_ms>({0, 1, 500, hour_ms - 1, day_ms - 1'500, 90 * minute_ms});
  for (auto left = *rc::gen::inRange(1, 16); left > 0; --left) {
    now += one_of<time_ms>({0, 1, 999, minute_ms, hour_ms - 1, hour_ms, 2 * hour_ms + 1, day_ms - hour_ms, day_ms});
    spoken_event made{now};
    made.late_ms = one_of<time_ms>(
        {0, 0, 0, 1, 999, minute_ms, hour_ms, day_ms, day_ms + 1, 3 * day_ms, -1, -700, -minute_ms, -3 * hour_ms});
    made.ms = one_of<std::int32_t>({0, 1, minute_ms, minute_ms, 10 * minute_ms, hour_ms});
    made.kind = one_of({event_kind::speech, event_kind::speech, event_kind::speech, event_kind::stt});
    made.from = one_of({lane::realtime, lane::realtime, lane::sync, lane::backfill, lane::custom});
    all.push_back(made);
  }
  return all;
}

/// By hours, written down as plainly as can be.
std::array<std::int64_t, listed_hours.size()> peaks_of(const std::vector<spoken_event>& all) {
  std::array<std::int64_t, listed_hours.size()> out{};
  std::map<std::int64_t, std::int64_t> spoken, arrived;
  for (const auto& each : all) {
    if (each.kind != event_kind::speech) continue;
    spoken[(each.now - each.late_ms) / hour_ms] += each.ms;
    arrived[each.now / hour_ms] += each.ms;
  }
  for (std::size_t i = 0; i < out.size(); ++i)
    for (const auto* by_hour : {&spoken, &arrived})
      for (const auto& [first, ignored] : *by_hour) {
        std::int64_t sum = 0;
        for (const auto& [hour, ms] : *by_hour)
          sum += hour >= first and hour < first + listed_hours[i] ? ms : 0;
        out[i] = std::max(out[i], sum);
      }
  return out;
}

/// Its caps are around the peaks, so that a certificate is as close as can be.
policy some_policy(const std::array<std::int64_t, listed_hours.size()>& peaks, int number) {
  policy made;
  made.name = made.digest = "p" + std::to_string(number);
  made.metering.bucket_s = one_of({60, 300, 420, 3'600});
  made.metering.basis = one_of({time_basis::event, time_basis::arrival});
  made.metering.fresh_within_ms = one_of<std::int64_t>({0, hour_ms, day_ms});
  made.enforced_lanes = {true, *rc::gen::arbitrary<bool>(), *rc::gen::arbitrary<bool>(), *rc::gen::arbitrary<bool>()};
  const auto near_a_peak = [&] {
    const auto peak = peaks.at(*rc::gen::inRange<std::size_t>(0, peaks.size()));
    return std::max<std::int64_t>(0, peak * one_of({1, 1, 1, 2, 3}) + one_of({-1, 0, 0, 1}));
  };
  const auto some_span = [] {
    return one_of<std::int64_t>(
        {hour_ms, 2 * hour_ms, 2 * hour_ms + second_ms, 6 * hour_ms, day_ms, 2 * day_ms, 3 * day_ms});
  };
  made.windows = {{"first", some_span(), near_a_peak()}, {"second", some_span(), near_a_peak()}};
  made.plans = {{"plus", {near_a_peak(), near_a_peak()}}};
  made.ceiling = {some_span(), near_a_peak(), true};
  made.steps = {{.at = stage::warning}, {.at = stage::restrict, .hard_caps = true}};
  made.budget = {.per_utc_day_ms = 1, .track_from_trigger = true, .charge_uploads = true};
  return made;
}

struct decided_run {
  std::size_t decisions = 0;
  std::uint64_t moved_to_backfill = 0;
  std::vector<std::int64_t> stt_ms;
  std::int64_t refused_ms = 0;
};

decided_run decide(const std::vector<policy>& all, const event_columns& run) {
  const auto policies = policy_set::make(all.front(), {all.begin() + 1, all.end()}, 8 * day_ms, review_mode::alone);
  const controls in_force{true, false, policies.get()};
  user who;
  step_output out;
  for (std::size_t taken = 0; taken < run.count and out.decisions.empty();)
    taken = apply(who, in_force, run, taken, run.count, out);
  decided_run made{out.decisions.size(), out.counts.moved_to_backfill, {}, 0};
  for (const auto& each : out.tallies) {
    made.stt_ms.push_back(each.stt_ms);
    made.refused_ms += each.upload_refused_ms + each.stt_blocked_ms + each.stt_economy_ms;
  }
  return made;
}

/// The same events in columns; an account fact first.
test::written_run run_of(const std::vector<spoken_event>& all, const account_fact& account) {
  test::written_run made;
  made.add_whole(event_kind::account, all.front().now, account);
  for (const auto& each : all)
    made.add(each.kind, each.now, each.late_ms, each.ms, each.from);
  return made;
}

} // namespace

BOOST_AUTO_TEST_CASE(what_is_certified_decides_nothing) {
  int certified = 0;
  int decided = 0;
  BOOST_TEST(rc::check("certificates", [&] {
    const auto speech = some_speech();
    const auto peaks = peaks_of(speech);
    std::vector<policy> all;
    for (auto left = *rc::gen::inRange(1, 4); left > 0; --left)
      all.push_back(some_policy(peaks, left));
    account_fact account;
    account.plan = one_of<std::string>({"basic", "plus"});
    if (*rc::gen::inRange(0, 8) == 0) account.credits_exhausted = true;
    for (auto& each : all)
      each.free_plans = {"basic"};
    const auto run = run_of(speech, account);
    const auto proof = certificate(all).of(run.columns(), {listed_hours, peaks});
    const auto real = decide(all, run.columns());
    decided += real.decisions > 0;
    if (not proof) return;
    ++certified;
    RC_ASSERT(real.decisions == 0U);
    RC_ASSERT(real.refused_ms == 0);
    RC_ASSERT(real.moved_to_backfill == proof->moved_to_backfill);
    for (const auto ms : real.stt_ms)
      RC_ASSERT(ms == proof->stt_ms);
  }));
  // Both must be met, or nothing was compared.
  BOOST_TEST(certified > 0);
  BOOST_TEST(decided > 0);
}
