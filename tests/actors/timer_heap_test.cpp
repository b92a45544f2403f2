// SPDX-License-Identifier: Apache-2.0
#include "actors/timer_heap.hpp"

#include <map>
#include <string>

#include <boost/test/unit_test.hpp>

using namespace fairuse;

namespace {

std::vector<std::string> due(timer_heap& heap, time_ms now) {
  const auto views = heap.due(now);
  return {views.begin(), views.end()};
}

using lines = std::vector<std::string>;

} // namespace

BOOST_AUTO_TEST_SUITE(timers)

BOOST_AUTO_TEST_CASE(due_users_come_out_in_uid_order_and_once) {
  timer_heap heap;
  heap.set("c", 5);
  heap.set("a", 7);
  heap.set("b", 9);
  BOOST_TEST(heap.next() == 5);
  BOOST_TEST(due(heap, 4).empty());
  BOOST_TEST(due(heap, 7) == (lines{"a", "c"}), boost::test_tools::per_element());
  BOOST_TEST(due(heap, 7).empty());
  BOOST_TEST(heap.next() == 9);
}

BOOST_AUTO_TEST_CASE(the_last_word_about_a_user_holds) {
  timer_heap heap;
  heap.set("a", 5);
  heap.set("a", 3);
  heap.set("a", 8);
  heap.set("b", 4);
  heap.set("b", never);
  heap.set("c", never);
  BOOST_TEST(heap.next() == 8);
  BOOST_TEST(due(heap, 7).empty());
  BOOST_TEST(due(heap, 8) == lines{"a"});
  BOOST_TEST(heap.next() == never);
}

BOOST_AUTO_TEST_CASE(a_user_may_be_set_to_the_same_instant_again) {
  timer_heap heap;
  heap.set("a", 5);
  BOOST_TEST(due(heap, 5) == lines{"a"});
  heap.set("a", 5);
  BOOST_TEST(due(heap, 5) == lines{"a"});
  heap.set("a", 5);
  heap.set("a", 6);
  heap.set("a", 5);
  BOOST_TEST(due(heap, 9) == lines{"a"});
  BOOST_TEST(due(heap, 9).empty());
}

BOOST_AUTO_TEST_CASE(many_users_and_many_changes_lose_no_timer) {
  timer_heap heap;
  std::map<std::string, time_ms> expected;
  std::uint64_t dice = 1;
  for (int i = 0; i < 50'000; ++i) {
    dice = dice * 6364136223846793005ULL + 1442695040888963407ULL;
    const auto uid = "u" + std::to_string((dice >> 33) % 300);
    const auto at = static_cast<time_ms>((dice >> 45) % 1000);
    heap.set(uid, at < 100 ? never : at);
    expected[uid] = at < 100 ? never : at;
    if (i % 1000 != 0) continue;
    lines should;
    for (auto& [who, when] : expected)
      if (when <= 300) {
        should.push_back(who);
        when = never;
      }
    BOOST_TEST_REQUIRE((due(heap, 300) == should));
  }
}

BOOST_AUTO_TEST_SUITE_END()
