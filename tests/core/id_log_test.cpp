// SPDX-License-Identifier: Apache-2.0
#include "core/id_log.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <boost/test/unit_test.hpp>

#include "tests/core/user_fixture.hpp"

using namespace fairuse;
using namespace fairuse::test;

BOOST_AUTO_TEST_SUITE(ids)

BOOST_AUTO_TEST_CASE(a_key_is_new_once_an_hour_however_many_there_are) {
  id_log log;
  std::map<hour_number, std::set<std::uint64_t>> expected;
  std::uint64_t draw = 1;
  for (int i = 0; i < 3000; ++i) {
    draw = draw * 6364136223846793005ULL + 1442695040888963407ULL;
    const auto hour = static_cast<hour_number>(100 + (draw >> 33) % 7);
    const auto key = (draw >> 40) % 400;
    BOOST_TEST_REQUIRE(log.add(hour, key) == expected[hour].insert(key).second);
  }
  for (const auto& [hour, keys] : expected) {
    const auto kept = log.keys(hour);
    BOOST_TEST((std::set<std::uint64_t>(kept.begin(), kept.end()) == keys));
    BOOST_TEST(kept.size() == keys.size());
  }
}

BOOST_AUTO_TEST_CASE(keys_in_descending_order_are_found_again) {
  id_log log;
  for (std::uint64_t key = 1000; key > 0; --key)
    BOOST_TEST_REQUIRE(log.add(5, key));
  for (std::uint64_t key = 1; key <= 1000; ++key)
    BOOST_TEST_REQUIRE(not log.add(5, key));
}

BOOST_AUTO_TEST_CASE(hours_are_apart_and_forgotten_oldest_first) {
  id_log log;
  for (const hour_number hour : {7, 3, 5, 9})
    for (std::uint64_t key = 0; key < 100; ++key)
      BOOST_TEST_REQUIRE(log.add(hour, key));
  log.prune(5);
  BOOST_TEST((not log.has(3) and log.has(5) and log.has(7) and log.has(9)));
  for (const hour_number hour : {5, 7, 9})
    for (std::uint64_t key = 0; key < 100; ++key)
      BOOST_TEST_REQUIRE(not log.add(hour, key));
  BOOST_TEST(log.add(3, 1));
  log.prune(100);
  BOOST_TEST(not log.has(9));
  BOOST_TEST(log.keys(9).empty());
  BOOST_TEST(log.add(9, 1));
}

BOOST_AUTO_TEST_CASE(a_loaded_hour_is_known_and_loading_twice_is_harmless) {
  id_log log;
  log.add(8, 80);
  log.add(2, 20);
  const std::uint64_t stored[] = {9, 1, 5};
  log.load(4, stored);
  log.load(4, stored);
  log.load(2, stored); // In memory already: newer than any store.
  BOOST_TEST(log.keys(4).size() == 3U);
  BOOST_TEST(log.keys(2).size() == 1U);
  for (const auto key : stored)
    BOOST_TEST(not log.add(4, key));
  BOOST_TEST(log.add(4, 7));
  BOOST_TEST(not log.add(4, 7));
  BOOST_TEST((not log.add(8, 80) and not log.add(2, 20)));
  log.load(6, {});
  BOOST_TEST(log.has(6));
}

BOOST_AUTO_TEST_CASE(a_duplicate_is_the_same_id_in_the_same_hour) {
  user_fixture user;
  user.wait(2 * day_ms);
  auto given = user.make(event_kind::speech, 0);
  given.ms = 1000;
  BOOST_TEST((user.give(given) == applied::accepted));
  BOOST_TEST((user.give(given) == applied::duplicate));
  given.time = given.instant = user.now - hour_ms;
  BOOST_TEST((user.give(given) == applied::accepted)); // Another hour: another event.
  BOOST_TEST((user.give(given) == applied::duplicate));
  BOOST_TEST(user.sum() == 2000);
  BOOST_TEST(user.out.counts.duplicates == 2U);
  BOOST_TEST((user.stt(1000) == applied::accepted));
  BOOST_TEST((user.again() == applied::duplicate));
}

BOOST_AUTO_TEST_CASE(production_remembers_a_day_of_ids_and_asks_for_the_rest) {
  user_fixture user;
  user.wait(9 * day_ms + 30 * minute_ms);
  auto given = user.make(event_kind::speech, day_ms);
  BOOST_TEST(not needs_older_ids(given, user.now));
  given.instant -= 30 * minute_ms;
  BOOST_TEST(not needs_older_ids(given, user.now)); // Memory has the whole hour of 24 h ago.
  given.instant -= 1;
  BOOST_TEST(needs_older_ids(given, user.now));
  given.kind = event_kind::account;
  BOOST_TEST(not needs_older_ids(given, user.now));
}

BOOST_AUTO_TEST_CASE(a_loaded_hour_is_not_forgotten_before_its_event) {
  user_fixture user;
  user.wait(9 * day_ms);
  auto given = user.make(event_kind::speech, 3 * day_ms);
  given.ms = 1000;
  const std::uint64_t stored[] = {given.key};
  // As a shard does it: the first step of an hour prunes, the ids come in between.
  advance(user.who, user.in_force, user.now, user.out);
  user.who.ids.load(hour_of(given.instant), stored);
  BOOST_TEST((apply(user.who, user.in_force, user.now, given, horizon_wall_ms, user.out) == applied::duplicate));
}

BOOST_AUTO_TEST_CASE(simulation_remembers_ids_for_the_whole_retention) {
  user_fixture user(plain(), {}, review_mode::alone);
  auto given = user.make(event_kind::speech, 0);
  BOOST_TEST((user.give(given) == applied::accepted));
  for (int day = 0; day < 8; ++day) {
    BOOST_TEST((user.give(given) == applied::duplicate));
    user.wait(day_ms);
    user.speak(0);
  }
  user.wait(1);
  BOOST_TEST((user.give(given) == applied::too_old));
  user.wait(2 * hour_ms);
  user.speak(0);
  BOOST_TEST(not user.who.ids.has(hour_of(monday)));
}

BOOST_AUTO_TEST_CASE(an_hour_that_is_not_written_down_stays_in_memory) {
  user_fixture user;
  user.who.changed.track = true;
  user.speak(0);
  user.wait(3 * day_ms);
  user.speak(0);
  BOOST_TEST(user.who.ids.has(hour_of(monday)));
  user.who.changed.clear();
  user.wait(hour_ms);
  user.speak(0);
  BOOST_TEST(not user.who.ids.has(hour_of(monday)));
}

BOOST_AUTO_TEST_SUITE_END()
