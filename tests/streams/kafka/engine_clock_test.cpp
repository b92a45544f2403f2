// SPDX-License-Identifier: Apache-2.0
#include "streams/kafka/worker/engine_clock.hpp"

#include <initializer_list>

#include <boost/test/unit_test.hpp>

namespace fairuse::kafka {

namespace {

constexpr time_ms noon = 1'749'988'800'000;
/// 2028-02-28 23:59 UTC, a minute before a leap day.
constexpr time_ms before_leap_day = 1'835'394'540'000;

struct clocks {
  time_ms wall = noon;
  time_ms steady = 7;
  engine_clock of{[this] { return wall; }, [this] { return steady; }};

  /// Both advance; `now` is read every second, as a worker does.
  time_ms pass(std::int64_t span_ms) {
    auto seen = of.now();
    for (const auto end = steady + span_ms; steady < end;) {
      wall += second_ms;
      steady += second_ms;
      const auto next = of.now();
      BOOST_TEST(next >= seen);
      seen = next;
    }
    return seen;
  }
};

} // namespace

BOOST_AUTO_TEST_CASE(a_wall_clock_that_jumps_is_believed_after_a_minute_and_only_forward) {
  struct row {
    const char* what;
    std::int64_t jump_ms;
    /// How far the engine's time is from the wall clock's of old: at once, after 59 s, after 61 s.
    std::int64_t at_once;
    std::int64_t before_a_minute;
    std::int64_t after_a_minute;
    bool told;
  };
  for (const auto& [what, jump_ms, at_once, before_a_minute, after_a_minute, told] : std::initializer_list<row>{
           {"a correction of seconds", 4 * second_ms, 0, 0, 0, false},
           {"the same back", -5 * second_ms, 0, 0, 0, false},
           {"an hour back", -hour_ms, 0, 0, 0, true},
           {"an hour forward", hour_ms, 0, 0, hour_ms, true},
           {"a day forward", day_ms, 0, 0, day_ms, true},
           {"a day back", -day_ms, 0, 0, 0, true},
       }) {
    BOOST_TEST_CONTEXT(what) {
      clocks c;
      c.pass(10 * second_ms);
      c.wall += jump_ms;
      BOOST_TEST(c.of.now() == noon + 10 * second_ms + at_once);
      BOOST_TEST(c.pass(59 * second_ms) == noon + 69 * second_ms + before_a_minute);
      BOOST_TEST(not c.of.take_jump());
      BOOST_TEST(c.pass(2 * second_ms) == noon + 71 * second_ms + after_a_minute);
      BOOST_TEST(c.of.take_jump().value_or(0) == (told ? jump_ms : 0));
      BOOST_TEST(not c.of.take_jump());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_jump_that_is_taken_back_within_a_minute_was_none) {
  clocks c;
  c.pass(10 * second_ms);
  c.wall += day_ms;
  c.pass(50 * second_ms);
  c.wall -= day_ms;
  BOOST_TEST(c.pass(5 * minute_ms) == noon + minute_ms + 5 * minute_ms);
  BOOST_TEST(not c.of.take_jump());
}

BOOST_AUTO_TEST_CASE(a_clock_set_back_is_reported_every_minute_until_it_is_right_again) {
  clocks c;
  c.pass(10 * second_ms);
  c.wall -= hour_ms;
  c.pass(61 * second_ms);
  BOOST_TEST(c.of.take_jump().has_value());
  c.pass(61 * second_ms);
  BOOST_TEST(c.of.take_jump().has_value());
  c.wall += hour_ms;
  c.pass(2 * minute_ms);
  BOOST_TEST(not c.of.take_jump());
}

BOOST_AUTO_TEST_CASE(a_leap_day_is_a_day_like_any_other) {
  clocks c;
  c.wall = before_leap_day;
  c.of = engine_clock([&c] { return c.wall; }, [&c] { return c.steady; });
  BOOST_TEST(c.pass(2 * minute_ms) == before_leap_day + 2 * minute_ms);
  BOOST_TEST(not c.of.take_jump());
}

// Suspended: the steady clock stood still, the wall clock did not.
BOOST_AUTO_TEST_CASE(a_machine_that_slept_catches_up_after_a_minute) {
  clocks c;
  c.pass(10 * second_ms);
  c.wall += 3 * hour_ms;
  BOOST_TEST(c.pass(2 * minute_ms) == noon + 130 * second_ms + 3 * hour_ms);
}

} // namespace fairuse::kafka
