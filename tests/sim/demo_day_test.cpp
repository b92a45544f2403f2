// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "events/wire.hpp"
#include "tests/sim/laboratory_fixture.hpp"

namespace fairuse::sim {

namespace {

struct day {
  event_arena arena;
  std::vector<wire_event> events;
};

const day& demo_day() {
  static const day read = [] {
    day out;
    wire_decoder decoder;
    std::ifstream in(testing::source_folder() / "config/demo/day.ndjson");
    for (std::string line; std::getline(in, line);) {
      const result<wire_event, refused> result = decoder.decode(line, out.arena);
      BOOST_REQUIRE_MESSAGE(result, line.substr(0, 200));
      out.events.push_back(*result);
    }
    return out;
  }();
  return read;
}

std::int64_t speech_of(const event& what) {
  std::int64_t ms = 0;
  for (const segment& each : detail_of<speech_segments>(what).segments)
    ms += each.end_ms - each.begin_ms;
  return ms;
}

} // namespace

BOOST_AUTO_TEST_SUITE(demo_days)

BOOST_AUTO_TEST_CASE(the_shipped_day_is_fifty_users_in_the_wire_form) {
  std::set<std::string_view> users;
  for (const wire_event& each : demo_day().events)
    users.insert(each.subject);
  BOOST_TEST(users.size() == 50U);
  BOOST_TEST(demo_day().events.size() > 1'000U);
}

BOOST_AUTO_TEST_CASE(it_repeats_some_events_and_brings_an_old_recording) {
  std::set<std::pair<std::string_view, std::uint64_t>> seen;
  time_ms now = 0;
  int repeated = 0;
  int old = 0;
  for (const wire_event& each : demo_day().events) {
    repeated += seen.emplace(each.subject, each.what.key).second ? 0 : 1;
    old += now - each.what.instant > day_ms ? 1 : 0;
    now = std::max(now, each.what.instant);
  }
  BOOST_TEST(repeated >= 5);
  BOOST_TEST(old >= 2);
}

BOOST_AUTO_TEST_CASE(reviews_answer_users_who_crossed_the_daily_cap_just_before) {
  std::map<std::string_view, std::int64_t> speech;
  std::map<std::string_view, time_ms> crossed;
  std::set<std::pair<std::string_view, std::uint64_t>> seen;
  int reviews = 0;
  for (const wire_event& each : demo_day().events) {
    if (!seen.emplace(each.subject, each.what.key).second) continue;
    if (each.what.kind == event_kind::speech && each.what.from == lane::realtime) {
      speech[each.subject] += speech_of(each.what);
      if (speech[each.subject] > 2 * hour_ms) crossed.emplace(each.subject, each.what.instant);
    } else if (each.what.kind == event_kind::review) {
      ++reviews;
      BOOST_TEST(detail_of<review_answer>(each.what).request == "live-1");
      BOOST_REQUIRE(crossed.count(each.subject) == 1U);
      BOOST_TEST(each.what.instant > crossed[each.subject]);
      BOOST_TEST(each.what.instant < crossed[each.subject] + minute_ms);
    }
  }
  BOOST_TEST(reviews == 10);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse::sim
