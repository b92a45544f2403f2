// SPDX-License-Identifier: Apache-2.0
#include "sim/cases/event_reduction.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <boost/test/unit_test.hpp>

namespace fairuse::sim {

namespace {

constexpr time_ms first_day = 1'767'571'200'000;

user_traffic_parts said(case_traffic& traffic, std::initializer_list<std::string_view> sentences) {
  std::size_t number = 0;
  for (const auto each : sentences) {
    const auto read = read_sentence(each);
    BOOST_REQUIRE(read.has_value());
    add_events(*read, first_day, number++, traffic);
  }
  user_traffic_parts made;
  made.events = traffic.events;
  std::stable_sort(made.events.begin(), made.events.end(),
                   [](const case_event& left, const case_event& right) { return left.now < right.now; });
  return made;
}

std::int64_t speech_of(const case_event& of) {
  if (of.what.kind != event_kind::speech) return 0;
  if (of.what.detail == nullptr) return of.what.ms;
  std::int64_t sum = 0;
  for (const auto& each : detail_of<speech_segments>(of.what).segments)
    sum += each.end_ms - each.begin_ms;
  return sum;
}

std::int64_t speech_of(const user_traffic_parts& of) {
  std::int64_t sum = 0;
  for (const auto& each : of.events)
    sum += speech_of(each);
  return sum;
}

} // namespace

BOOST_AUTO_TEST_SUITE(event_reductions)

BOOST_AUTO_TEST_CASE(two_hours_of_a_day_become_one_recording) {
  event_arena arena;
  case_traffic traffic;
  auto whole = said(traffic, {"ann speaks 10 h over 12 h at 06:00", "ann is on plan plus", "ann is exempt at 20:00"});
  whole.reviews.push_back({"live", 1, first_day, never});
  const auto made = reduce(whole, arena, [](const user_traffic_parts& of) { return speech_of(of) > 2 * hour_ms; });
  BOOST_REQUIRE(made.events.size() == 1U);
  BOOST_TEST(made.reviews.size() == 0U);
  BOOST_TEST(speech_of(made) == 2 * hour_ms + second_ms);
  const auto& what = made.events.front().what;
  BOOST_TEST(detail_of<speech_segments>(what).segments.size() == 1U);
  BOOST_TEST(what.instant == what.time + 2 * hour_ms + second_ms);
}

BOOST_AUTO_TEST_CASE(what_is_needed_stays) {
  event_arena arena;
  case_traffic traffic;
  auto whole = said(traffic, {"ann speaks 1 h at 06:00 daily for 5 days, lane sync", "ann is on plan plus"});
  whole.reviews = {{"live", 1, first_day, never}, {"live", 2, first_day, never}};
  const auto needs = [](const user_traffic_parts& of) {
    const auto is_plan = [](const case_event& each) { return each.what.kind == event_kind::account; };
    const auto is_second = [](const asked_review& each) { return each.number == 2; };
    const auto on_day_3 = [](const case_event& each) {
      return speech_of(each) >= 10 * minute_ms and each.now - first_day > 2 * day_ms
             and each.now - first_day < 3 * day_ms;
    };
    return std::any_of(of.events.begin(), of.events.end(), is_plan)
           and std::any_of(of.events.begin(), of.events.end(), on_day_3)
           and std::any_of(of.reviews.begin(), of.reviews.end(), is_second);
  };
  const auto made = reduce(whole, arena, needs);
  BOOST_TEST(made.events.size() == 2U);
  BOOST_TEST(made.reviews.size() == 1U);
  BOOST_TEST(speech_of(made) == 10 * minute_ms);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse::sim
