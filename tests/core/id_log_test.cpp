// SPDX-License-Identifier: Apache-2.0
#include "core/id_log.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include <boost/test/unit_test.hpp>

#include "tests/core/user_fixture.hpp"

using namespace fairuse;
using namespace fairuse::test;

namespace {

/// No hour counts but the event's own.
constexpr hour_number none = std::numeric_limits<hour_number>::max();

/// Hours and keys in no order, as random as need be.
struct draws {
  std::uint64_t state = 1;
  std::uint64_t below(std::uint64_t limit) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state >> 33) % limit;
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(ids)

BOOST_AUTO_TEST_CASE(a_key_is_new_once_an_hour_however_many_there_are) {
  id_log log;
  std::map<hour_number, std::set<std::uint64_t>> expected;
  draws random;
  for (int i = 0; i < 3000; ++i) {
    const auto hour = static_cast<hour_number>(100 + random.below(7));
    const auto key = random.below(400);
    BOOST_TEST_REQUIRE(log.add(hour, key, none) == expected[hour].insert(key).second);
  }
  for (const auto& [hour, keys] : expected) {
    const auto kept = log.keys(hour);
    BOOST_TEST((std::set<std::uint64_t>(kept.begin(), kept.end()) == keys));
    BOOST_TEST(kept.size() == keys.size());
  }
}

BOOST_AUTO_TEST_CASE(a_key_is_looked_for_in_the_hours_that_are_named_and_in_no_other) {
  // Few keys are searched one by one, many through a filter; the number of both goes up and down here.
  for (const std::uint64_t keys_an_hour : {2, 30, 200}) {
    id_log log;
    std::map<hour_number, std::set<std::uint64_t>> expected;
    draws random;
    for (hour_number now = 100; now < 400; ++now) {
      const auto first = now - 24;
      const auto kept = now - static_cast<hour_number>(random.below(5)) * 40;
      log.prune(kept);
      expected.erase(expected.begin(), expected.lower_bound(kept));
      const auto events = now % 50 < 10 ? 1 : keys_an_hour;
      for (std::uint64_t i = 0; i < events; ++i) {
        const auto hour = random.below(4) != 0 ? now : first - 3 + static_cast<hour_number>(random.below(30));
        const auto key = random.below(40 * keys_an_hour);
        const auto named = [&](const auto& each) { return each.first >= first or each.first == hour; };
        const bool there = std::any_of(expected.begin(), expected.end(),
                                       [&](const auto& each) { return named(each) and each.second.count(key) != 0; });
        BOOST_TEST_REQUIRE(log.add(hour, key, first) == not there);
        if (not there) expected[hour].insert(key);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(keys_in_descending_order_are_found_again) {
  id_log log;
  for (std::uint64_t key = 1000; key > 0; --key)
    BOOST_TEST_REQUIRE(log.add(5, key, 5));
  for (std::uint64_t key = 1; key <= 1000; ++key)
    BOOST_TEST_REQUIRE(not log.add(5, key, 5));
}

BOOST_AUTO_TEST_CASE(hours_are_apart_and_forgotten_oldest_first) {
  id_log log;
  for (const hour_number hour : {7, 3, 5, 9})
    for (std::uint64_t key = 0; key < 100; ++key)
      BOOST_TEST_REQUIRE(log.add(hour, key, none));
  log.prune(5);
  BOOST_TEST((not log.has(3) and log.has(5) and log.has(7) and log.has(9)));
  for (const hour_number hour : {5, 7, 9})
    for (std::uint64_t key = 0; key < 100; ++key)
      BOOST_TEST_REQUIRE(not log.add(hour, key, none));
  BOOST_TEST(log.add(3, 1, none));
  log.prune(100);
  BOOST_TEST(not log.has(9));
  BOOST_TEST(log.keys(9).empty());
  BOOST_TEST(log.add(9, 1, 0));
}

BOOST_AUTO_TEST_CASE(a_loaded_hour_is_known_and_loading_twice_is_harmless) {
  id_log log;
  log.add(8, 80, none);
  log.add(2, 20, none);
  const std::uint64_t stored[] = {9, 1, 5};
  log.load(4, stored);
  log.load(4, stored);
  log.load(2, stored); // In memory already: newer than any store.
  BOOST_TEST(log.keys(4).size() == 3U);
  BOOST_TEST(log.keys(2).size() == 1U);
  for (const auto key : stored) {
    BOOST_TEST(not log.add(4, key, none));
    BOOST_TEST(not log.add(8, key, 4));
  }
  BOOST_TEST(log.add(4, 7, none));
  BOOST_TEST(not log.add(4, 7, none));
  BOOST_TEST((not log.add(8, 80, none) and not log.add(2, 20, none)));
  log.load(6, {});
  BOOST_TEST(log.has(6));
}

BOOST_AUTO_TEST_CASE(an_hour_that_is_loaded_beside_many_keys_is_known) {
  id_log log;
  for (std::uint64_t key = 1000; key < 2000; ++key)
    BOOST_TEST_REQUIRE(log.add(50, key, 26));
  const std::uint64_t stored[] = {9, 1, 5};
  log.load(3, stored);
  BOOST_TEST(not log.add(3, 5, 26));
  BOOST_TEST(log.add(50, 5, 26));
  BOOST_TEST(log.add(3, 6, 26));
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

namespace {

struct telling {
  event_kind kind;
  /// After Monday, 10:00.
  time_ms arrives_ms;
  time_ms ago_ms;
};

struct retry_case {
  const char* sentence;
  telling first, again;
  applied expected;
};

constexpr auto speech = event_kind::speech;
constexpr auto stt = event_kind::stt;
constexpr retry_case retries[] = {
    {"a gateway that stamps when it tries again, an hour later, is not counted twice",
     {speech, 10 * minute_ms, 0},
     {speech, 65 * minute_ms, 0},
     applied::duplicate},
    {"nor is STT that is stamped again", {stt, 10 * minute_ms, 0}, {stt, 65 * minute_ms, 0}, applied::duplicate},
    {"speech and STT share their ids", {speech, 0, 0}, {stt, 3 * hour_ms, 0}, applied::duplicate},
    {"the hour 24 h ago counts to its first millisecond",
     {speech, 0, 0},
     {speech, 25 * hour_ms - 1, 0},
     applied::duplicate},
    {"the hour before it does not", {speech, hour_ms - 1, 0}, {speech, 25 * hour_ms, 0}, applied::accepted},
    {"a retry that keeps its time is known for the whole retention",
     {speech, 0, 0},
     {speech, 8 * day_ms, 8 * day_ms},
     applied::duplicate},
    {"and so is another time in the same hour",
     {speech, 10 * minute_ms, 0},
     {speech, 5 * day_ms, 5 * day_ms - 50 * minute_ms},
     applied::duplicate},
    {"after days, a time in another old hour is another event",
     {speech, 10 * minute_ms, 0},
     {speech, 5 * day_ms, 4 * day_ms},
     applied::accepted},
    {"an id of today is known whatever time comes with it",
     {speech, 0, 0},
     {speech, minute_ms, 3 * day_ms},
     applied::duplicate},
    {"an id stays with its own hour: what came late is not of today",
     {speech, 0, 3 * day_ms},
     {speech, minute_ms, 0},
     applied::accepted},
    {"a time that is ahead counts, too",
     {speech, 59 * minute_ms, -4 * minute_ms},
     {speech, 59 * minute_ms, 0},
     applied::duplicate},
};

enum class memory { all_hours, unwritten_hours, what_production_keeps };

/// As a shard does it: ids of older hours come from a store, if memory does not keep them.
struct teller {
  explicit teller(memory what)
    : user(plain(), {}, what == memory::all_hours ? review_mode::alone : review_mode::shared) {
    user.who.changed.track = what == memory::unwritten_hours;
    user.wait(10 * hour_ms);
  }
  applied tell(const telling& what, event given) {
    user.now = monday + 10 * hour_ms + what.arrives_ms;
    given.kind = what.kind;
    given.time = given.instant = user.now - what.ago_ms;
    advance(user.who, user.in_force, user.now, user.out);
    const auto hour = hour_of(given.instant);
    if (needs_older_ids(given, user.now)) user.who.ids.load(hour, stored[hour]);
    const auto how = apply(user.who, user.in_force, user.now, given, horizon_wall_ms, user.out);
    if (how == applied::accepted) stored[hour].push_back(given.key);
    return how;
  }
  user_fixture user;
  std::map<hour_number, std::vector<std::uint64_t>> stored;
};

} // namespace

BOOST_AUTO_TEST_CASE(the_same_source_and_id_is_a_duplicate_by_its_hours_whatever_is_in_memory) {
  for (const auto& row : retries)
    for (const auto kept : {memory::all_hours, memory::unwritten_hours, memory::what_production_keeps})
      BOOST_TEST_CONTEXT(row.sentence << ", memory " << static_cast<int>(kept)) {
        teller told(kept);
        auto given = told.user.make(speech, 0);
        given.ms = 600'000;
        BOOST_TEST((told.tell(row.first, given) == applied::accepted));
        BOOST_TEST((told.tell(row.again, given) == row.expected));
        BOOST_TEST(told.user.out.counts.duplicates == (row.expected == applied::duplicate ? 1U : 0U));
        // A duplicate stays one, an event that was taken is known now.
        BOOST_TEST((told.tell(row.again, given) == applied::duplicate));
      }
}

BOOST_AUTO_TEST_CASE(a_retry_with_a_new_time_is_metered_once) {
  teller told(memory::what_production_keeps);
  auto given = told.user.make(speech, 0);
  given.ms = 600'000;
  told.tell({speech, 10 * minute_ms, 0}, given);
  told.tell({speech, 65 * minute_ms, 0}, given);
  BOOST_TEST(told.user.sum() == 600'000);
}

BOOST_AUTO_TEST_SUITE_END()
