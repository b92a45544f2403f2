// SPDX-License-Identifier: Apache-2.0
#include "core/metering.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/core/user_fixture.hpp"

using namespace fairuse;
using namespace fairuse::test;

BOOST_AUTO_TEST_SUITE(metering)

BOOST_AUTO_TEST_CASE(segments_are_united_and_silence_is_not_speech) {
  struct row {
    const char* what;
    std::vector<segment> segments;
    std::int64_t speech_ms;
  };
  const row rows[] = {
      {"one", {{0, 1500}}, 1500},
      {"sub-second parts are not cut off", {{0, 1}, {10, 11}, {999, 1001}}, 4},
      {"silence between two", {{0, 1000}, {60'000, 61'000}}, 2000},
      {"touching", {{0, 1000}, {1000, 2000}}, 2000},
      {"overlapping", {{0, 1000}, {500, 2000}}, 2000},
      {"one inside another", {{0, 5000}, {1000, 2000}, {4000, 6000}}, 6000},
      {"not in order", {{5000, 6000}, {0, 1000}, {500, 700}}, 2000},
      {"the same twice", {{0, 1000}, {0, 1000}}, 1000},
      {"empty ones", {{7, 7}, {100, 200}, {200, 200}}, 100},
  };
  for (const auto& each : rows)
    BOOST_TEST_CONTEXT(each.what) {
      user_fixture user;
      user.speak_segments(each.segments, 2 * hour_ms);
      BOOST_TEST(user.sum() == each.speech_ms);
      BOOST_TEST(user.out.counts.metered_ms[0] == each.speech_ms);
    }
}

BOOST_AUTO_TEST_CASE(segments_are_spread_over_their_minutes) {
  user_fixture user;
  user.wait(day_ms);
  // 10 s before midnight to 70 s after it: three buckets.
  user.now = monday + day_ms + 10 * minute_ms;
  user.speak_segments({{0, 80'000}}, 10 * minute_ms + 10'000);
  const auto& log = user.who.metered[0];
  BOOST_TEST(log.size() == 3U);
  const auto midnight = (monday + day_ms) / minute_ms;
  const std::int64_t expected[][2] = {{midnight - 1, 10'000}, {midnight, 60'000}, {midnight + 1, 10'000}};
  for (std::uint32_t i = 0; i < 3; ++i) {
    BOOST_TEST(log.at(i).bucket == expected[i][0]);
    BOOST_TEST(log.at(i).ms == expected[i][1]);
  }
}

BOOST_AUTO_TEST_CASE(a_bucket_counts_while_its_start_is_within_the_span) {
  struct row {
    std::int32_t bucket_s;
    std::int64_t spoken_at_ms; ///< after the start of a bucket
    std::int64_t last_counted_ms;
  };
  // A bucket counts iff start >= floor(now to 1 s) - span: its last instant is start + span + 999 ms.
  const row rows[] = {
      {60, 0, day_ms + 999}, {60, 59'999, day_ms + 999}, {300, 299'999, day_ms + 999}, {300, 0, day_ms + 999}};
  for (const auto& each : rows) {
    auto rules = plain();
    rules.metering.bucket_s = each.bucket_s;
    user_fixture user(rules);
    user.wait(each.spoken_at_ms);
    user.speak(1000);
    BOOST_TEST(user.sum() == 1000);
    user.now = monday + each.last_counted_ms;
    user.speak(0);
    BOOST_TEST(user.sum() == 1000);
    BOOST_TEST(fairuse::query_standing(user.who, user.in_force, 0, user.now + 1).windows[0].sum_ms == 0);
    user.wait(1);
    user.speak(0);
    BOOST_TEST(user.sum() == 0);
    BOOST_TEST(leaves_at(monday / second_ms / each.bucket_s, day_ms / second_ms, each.bucket_s) == user.now);
  }
}

BOOST_AUTO_TEST_CASE(event_basis_counts_when_it_was_spoken_and_arrival_basis_when_it_came) {
  auto rules = plain();
  user_fixture by_event(rules);
  rules.metering.basis = time_basis::arrival;
  user_fixture by_arrival(rules);
  for (auto* user : {&by_event, &by_arrival}) {
    user->wait(day_ms);
    user->speak_segments({{0, 60'000}, {3'600'000, 3'660'000}}, 20 * hour_ms);
    BOOST_TEST(user->sum() == 120'000);
    user->wait(4 * hour_ms + minute_ms);
  }
  // Its first minute was spoken 24 h and 1 min ago.
  BOOST_TEST(by_event.sum() == 60'000);
  BOOST_TEST(by_arrival.sum() == 120'000);
}

BOOST_AUTO_TEST_CASE(lanes_that_are_not_enforced_and_late_speech_are_metered_apart) {
  struct row {
    lane from;
    std::int64_t ago_ms;
    std::int64_t sum_ms;
    lane metered_as;
  };
  const row rows[] = {
      {lane::realtime, 0, 1000, lane::realtime},      {lane::sync, 0, 1000, lane::sync},
      {lane::backfill, 0, 0, lane::backfill},         {lane::custom, 0, 0, lane::custom},
      {lane::realtime, day_ms, 1000, lane::realtime}, {lane::realtime, day_ms + 1, 0, lane::backfill},
      {lane::custom, day_ms + 1, 0, lane::backfill},
  };
  for (const auto& each : rows) {
    auto rules = plain();
    rules.windows[0].span_ms = 72 * hour_ms;
    user_fixture user(rules);
    user.wait(3 * day_ms);
    user.speak(1000, each.from, each.ago_ms);
    BOOST_TEST(user.sum() == each.sum_ms);
    BOOST_TEST(user.out.counts.metered_ms[static_cast<std::size_t>(each.metered_as)] == 1000);
    BOOST_TEST(user.out.counts.moved_to_backfill == (each.metered_as == each.from ? 0U : 1U));
  }
}

BOOST_AUTO_TEST_CASE(fresh_within_of_0_never_moves_speech) {
  auto rules = plain();
  rules.windows[0].span_ms = 168 * hour_ms;
  rules.metering.fresh_within_ms = 0;
  user_fixture user(rules);
  user.wait(8 * day_ms);
  user.speak(1000, lane::realtime, 6 * day_ms);
  BOOST_TEST(user.sum() == 1000);
}

BOOST_AUTO_TEST_CASE(speech_while_off_counts_only_where_off_is_measured) {
  auto rules = plain();
  rules.off = off_rule::nothing;
  user_fixture nothing(rules);
  rules.off = off_rule::shadow;
  user_fixture shadow(rules);
  for (auto* user : {&nothing, &shadow}) {
    user->enable(false);
    user->speak(5000);
    user->enable(true);
    user->speak(1000);
  }
  BOOST_TEST(nothing.sum() == 1000);
  BOOST_TEST(shadow.sum() == 6000);
}

// The buckets of a user who is read again go to another object, and the memory of the first one is used again.
BOOST_AUTO_TEST_CASE(a_log_that_was_moved_from_is_empty_and_takes_speech) {
  bucket_log log;
  for (bucket_index bucket = 1; bucket <= 20; ++bucket)
    log.add(bucket, lane::realtime, false, 1);
  const auto moved = std::move(log);
  BOOST_TEST(moved.size() == 20U);
  BOOST_TEST(log.size() == 0U); // NOLINT(bugprone-use-after-move): it is what this is about
  BOOST_TEST(log.memory_bytes() == 0U);
  log.add(5, lane::sync, false, 7);
  BOOST_TEST(log.at(0).ms == 7);
}

BOOST_AUTO_TEST_CASE(amounts_above_one_entry_are_kept_whole) {
  auto rules = plain();
  user_fixture user(rules);
  user.speak(600'000'000);
  user.speak(600'000'000);
  user.speak(1);
  BOOST_TEST(user.sum() == 1'200'000'001);
  bucket_log log;
  for (const auto ms : {2'097'151, 1, 2'097'150, 536'870'911, 536'870'912})
    log.add(7, lane::realtime, false, ms);
  std::int64_t total = 0;
  for (std::uint32_t i = 0; i < log.size(); ++i) {
    BOOST_TEST(log.at(i).bucket == 7);
    total += log.ms_at(i);
  }
  BOOST_TEST(total == 2'097'151 + 1 + 2'097'150 + 536'870'911LL + 536'870'912);
}

BOOST_AUTO_TEST_CASE(a_log_keeps_buckets_in_order_and_lanes_apart) {
  bucket_log log;
  log.add(10, lane::realtime, false, 1);
  log.add(12, lane::realtime, false, 2);
  log.add(11, lane::sync, false, 4);     // between
  log.add(9, lane::realtime, false, 8);  // before all: the base moves
  log.add(12, lane::realtime, true, 16); // same bucket, metered while off
  log.add(12, lane::sync, false, 32);
  log.add(10, lane::realtime, false, 64); // grows
  const bucket_log::entry expected[] = {{9, lane::realtime, false, 8},  {10, lane::realtime, false, 65},
                                        {11, lane::sync, false, 4},     {12, lane::realtime, false, 2},
                                        {12, lane::realtime, true, 16}, {12, lane::sync, false, 32}};
  BOOST_TEST_REQUIRE(log.size() == 6U);
  std::int64_t realtime = 0;
  std::int64_t all_but_off = 0;
  for (std::uint32_t i = 0; i < 6; ++i) {
    const auto entry = log.at(i);
    BOOST_TEST(entry.bucket == expected[i].bucket);
    BOOST_TEST((entry.from == expected[i].from and entry.while_off == expected[i].while_off));
    BOOST_TEST(entry.ms == expected[i].ms);
    realtime += log.counts(i, {0, 1, true}) ? entry.ms : 0;
    all_but_off += log.counts(i, {0, 0xf, false}) ? entry.ms : 0;
  }
  BOOST_TEST(realtime == 8 + 65 + 2 + 16);
  BOOST_TEST(all_but_off == 8 + 65 + 4 + 2 + 32);
  BOOST_TEST(log.lower_bound(11) == 2U);
  BOOST_TEST(log.prune(12) == 3U);
  BOOST_TEST(log.at(0).ms == 2);
  BOOST_TEST(log.lower_bound(12) == 0U);
  BOOST_TEST(log.lower_bound(13) == 3U);
}

BOOST_AUTO_TEST_CASE(a_log_moves_its_base_when_months_have_passed) {
  bucket_log log;
  log.add(1'000, lane::realtime, false, 1);
  log.add(60'000, lane::realtime, false, 2);
  BOOST_TEST(log.prune(2'000) == 1U);
  log.add(70'000, lane::realtime, false, 4); // 69,000 behind the base, 10,000 behind the oldest that is kept
  BOOST_TEST(log.at(0).bucket == 60'000);
  BOOST_TEST(log.at(1).bucket == 70'000);
  log.prune(80'000);
  log.add(200'000, lane::realtime, false, 8);
  BOOST_TEST(log.size() == 1U);
  BOOST_TEST(log.at(0).bucket == 200'000);
}

BOOST_AUTO_TEST_CASE(a_log_gives_pruned_room_away_before_it_grows) {
  bucket_log log;
  for (int i = 0; i < 100'000; ++i) {
    log.add(i, lane::realtime, false, i % 1000);
    if (i % 10 == 0) log.prune(i - 500);
  }
  BOOST_TEST(log.size() <= 511U);
  BOOST_TEST(log.memory_bytes() < 5 * 800U);
  for (std::uint32_t i = 0; i < log.size(); ++i)
    BOOST_TEST(log.ms_at(i) == log.bucket_at(i) % 1000);
}

BOOST_AUTO_TEST_CASE(old_buckets_are_pruned_once_an_hour_and_sums_do_not_notice) {
  user_fixture user;
  for (int hour = 0; hour < 12 * 24; ++hour) {
    user.speak(1000);
    user.wait(hour_ms);
  }
  BOOST_TEST(user.who.metered[0].size() <= 8 * 24 + 2U);
  BOOST_TEST(user.sum() == 24'000);
}

BOOST_AUTO_TEST_CASE(speech_before_the_tail_of_a_window_is_kept_and_does_not_count) {
  auto rules = plain();
  rules.windows = {{"hour", hour_ms, 2 * hour_ms}, {"daily", 24 * hour_ms, 2 * hour_ms}};
  rules.plans.clear();
  user_fixture user(rules);
  user.wait(12 * hour_ms);
  user.speak(1);
  user.speak(2, lane::realtime, 5 * hour_ms); // before the tail of `hour`
  user.speak(4, lane::realtime, 2 * hour_ms); // again, a second entry
  user.speak(8, lane::realtime, minute_ms);
  BOOST_TEST(user.sum(0) == 9);
  BOOST_TEST(user.sum(1) == 15);
  user.wait(58 * minute_ms);
  user.speak(0);
  BOOST_TEST(user.sum(0) == 9);
  user.wait(3 * minute_ms);
  user.speak(0);
  BOOST_TEST(user.sum(0) == 0);
  BOOST_TEST(user.sum(1) == 15);
}

BOOST_AUTO_TEST_CASE(speech_at_the_edges_of_what_is_accepted) {
  struct row {
    std::int64_t ago_ms;
    applied how;
  };
  const row rows[] = {{8 * day_ms, applied::accepted},
                      {8 * day_ms + 1, applied::too_old},
                      {-5 * minute_ms, applied::accepted},
                      {-5 * minute_ms - 1, applied::future}};
  for (const auto& each : rows) {
    user_fixture user;
    user.wait(10 * day_ms);
    BOOST_TEST((user.speak(1000, lane::realtime, each.ago_ms) == each.how));
    BOOST_TEST((user.stt(1000, each.ago_ms) == each.how));
    BOOST_TEST(user.out.counts.too_old == (each.how == applied::too_old ? 2U : 0U));
    BOOST_TEST(user.out.counts.future == (each.how == applied::future ? 2U : 0U));
    // Facts that are not usage are never too old.
    if (each.how == applied::too_old) BOOST_TEST((user.plan("pro", each.ago_ms) == applied::accepted));
    if (each.how == applied::future) BOOST_TEST((user.plan("pro", each.ago_ms) == applied::future));
  }
  event given;
  given.instant = monday + 40 * day_ms;
  BOOST_TEST((lateness(given, monday, 8 * day_ms, horizon_events_ms) == applied::accepted));
  ++given.instant;
  BOOST_TEST((lateness(given, monday, 8 * day_ms, horizon_events_ms) == applied::future));
}

BOOST_AUTO_TEST_SUITE_END()
