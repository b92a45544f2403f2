// SPDX-License-Identifier: Apache-2.0
#include "sim/cases/usage_sentence.hpp"

#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "events/wire.hpp"

namespace fairuse::sim {

namespace {

constexpr time_ms start = 1'767'571'200'000;

case_traffic events_of(std::string_view sentence) {
  const auto read = read_sentence(sentence);
  BOOST_REQUIRE_MESSAGE(read.has_value(), (read ? std::string() : read.error().message));
  case_traffic made;
  add_events(*read, start, 0, made);
  return made;
}

std::int64_t spoken_ms(const event& what) {
  if (what.detail == nullptr) return what.ms;
  std::int64_t sum = 0;
  for (const auto& each : detail_of<speech_segments>(what).segments)
    sum += each.end_ms - each.begin_ms;
  return sum;
}

std::string time_text(time_ms at) { return case_time_text(at, start); }

} // namespace

BOOST_AUTO_TEST_SUITE(usage_sentences)

BOOST_AUTO_TEST_CASE(what_is_said_happens_then) {
  struct row {
    std::string sentence;
    std::size_t events;
    std::int64_t ms;
    std::string first_time;
    std::string first_now;
    std::string last_now;
  };
  const std::vector<row> rows{
      {"alice speaks 40 min at 09:00", 40, 40 * minute_ms, "day 1 09:00", "day 1 09:01", "day 1 09:40"},
      {"alice speaks 90 s at day 2 09:00", 2, 90'000, "day 2 09:00", "day 2 09:01", "day 2 09:01:30"},
      {"alice speaks 1h30m at 9:00 daily for 4 days", 360, 6 * hour_ms, "day 1 09:00", "day 1 09:01", "day 4 10:30"},
      {"alice speaks 10 min at 09:00 every 2 days for 3 days, lane custom", 30, 30 * minute_ms, "day 1 09:00",
       "day 1 09:01", "day 5 09:10"},
      {"alice speaks 40 min over 4 h at 09:00", 240, 40 * minute_ms, "day 1 09:00", "day 1 09:01", "day 1 13:00"},
      {"alice speaks 40 min at 09:00, lane sync", 1, 40 * minute_ms, "day 1 09:00", "day 1 09:40", "day 1 09:40"},
      {"alice speaks 40 min over 4 h at 09:00, lane sync", 1, 40 * minute_ms, "day 1 09:00", "day 1 13:00",
       "day 1 13:00"},
      {"alice speaks 3 h at 09:00, lane sync, uploaded 6 days later", 1, 3 * hour_ms, "day 1 09:00", "day 7 12:00",
       "day 7 12:00"},
      {"alice speaks 3 h at 09:00, lane sync, uploaded at day 3 10:00, twice", 2, 6 * hour_ms, "day 1 09:00",
       "day 3 10:00", "day 3 10:00"},
      {"alice speaks 0 s at 09:00", 1, 0, "day 1 09:00", "day 1 09:00", "day 1 09:00"},
      {"alice sends 20 min of STT at 10:00", 1, 20 * minute_ms, "day 1 10:00", "day 1 10:00", "day 1 10:00"},
  };
  for (const auto& each : rows) {
    BOOST_TEST_CONTEXT(each.sentence) {
      const auto made = events_of(each.sentence);
      BOOST_REQUIRE(made.events.size() == each.events);
      std::int64_t sum = 0;
      for (const auto& one : made.events)
        sum += spoken_ms(one.what);
      BOOST_TEST(sum == each.ms);
      BOOST_TEST(time_text(made.events.front().what.time) == each.first_time);
      BOOST_TEST(time_text(made.events.front().now) == each.first_now);
      BOOST_TEST(time_text(made.events.back().now) == each.last_now);
    }
  }
}

BOOST_AUTO_TEST_CASE(every_event_is_one_of_the_wire) {
  for (const std::string sentence :
       {"alice is on plan unlimited", "alice has no credits left from day 2", "alice has credits again at day 3 10:00",
        "alice is exempt", "alice is not exempt from day 2 09:00", "alice is reset at 09:00",
        "alice is erased at day 4", "alice speaks 10 min over 2 h at 09:00, lane sync"}) {
    BOOST_TEST_CONTEXT(sentence) {
      const auto made = events_of(sentence);
      BOOST_REQUIRE(made.events.size() == 1U);
      std::string line;
      append_event(line, "alice", made.events.front().what);
      wire_decoder decoder;
      event_arena arena;
      const auto read = decoder.decode(line, arena);
      BOOST_REQUIRE_MESSAGE(read.has_value(), line);
      BOOST_TEST(wire_equal(read->what, made.events.front().what));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_fault_has_its_place_and_a_suggestion) {
  struct row {
    std::string sentence;
    std::size_t at;
    std::string says;
  };
  const std::vector<row> rows{
      {"alice", 5, "a verb is missing"},
      {"alice speeks 4 min at 09:00", 6, "did you mean 'speaks'?"},
      {"alice speaks at 09:00", 13, "an amount"},
      {"alice speaks 4 mins at 09:00", 15, "did you mean 'min'?"},
      {"alice speaks 4 min", 18, "'at' and a time are missing"},
      {"alice speaks 4 min at 24:01", 22, "'24:01' is no time"},
      {"alice speaks 4 min at day 0 09:00", 22, "'day 0 09:00' is no time"},
      {"alice speaks 4 min at 09:00 for 4 weeks", 34, "'day' is missing"},
      {"alice speaks 4 min at 09:00, lane snyc", 34, "did you mean 'sync'?"},
      {"alice sends 4 min of STT at 09:00, lane sync", 40, "is not known here"},
      {"alice speaks 25 h at 09:00", 13, "24 hours at most"},
      {"al/ice speaks 4 min at 09:00", 0, "is no name of a user"},
      {"alice is not reset at 09:00", 13, "is not known here"},
      {"alice is on plan unlimited for ever", 27, "the sentence is over before 'for'"},
      {"", 0, "a user is missing"},
  };
  for (const auto& each : rows) {
    BOOST_TEST_CONTEXT(each.sentence) {
      const auto read = read_sentence(each.sentence);
      BOOST_REQUIRE(not read.has_value());
      BOOST_TEST(read.error().at == each.at);
      BOOST_TEST(read.error().message.find(each.says) != std::string::npos, read.error().message);
    }
  }
}

BOOST_AUTO_TEST_CASE(times_come_back_from_their_text) {
  for (const time_ms at : {start, start + 9 * hour_ms, start + day_ms - 1, start + 40 * day_ms + 61'001, start - 1}) {
    const auto read = case_time_from(time_text(at));
    BOOST_REQUIRE(read.has_value());
    BOOST_TEST(read->instant(start) == at, time_text(at));
  }
  for (const std::string text :
       {"day 1 9", "day 01x", "day -1", "09:00", "day 1 09:60", "day 1  09:00", "day 1 09:00:5.1"})
    BOOST_TEST(not case_time_from(text).has_value(), text);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse::sim
