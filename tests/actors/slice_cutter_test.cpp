// SPDX-License-Identifier: Apache-2.0
#include "actors/slice_cutter.hpp"

#include <boost/test/unit_test.hpp>

using namespace fairuse;

namespace {

using lines = std::vector<std::string>;

/// Events and commands with one-letter ids and chosen instants.
struct cutting {
  event_arena arena;
  std::vector<addressed_event> events;
  std::deque<event> commands;
  policy_set rules;
  policy_set other_rules;
  std::deque<controls> in_force{{false, false, &rules}};
  std::vector<controls_period> periods{{nullptr, &in_force.front()}};
  std::vector<std::string_view> due;

  event fact(time_ms instant, std::string_view id) {
    event made;
    made.time = made.instant = instant;
    made.text = arena.keep("app", id);
    made.key = event_key("app", id);
    return made;
  }
  void put(std::string_view uid, time_ms instant, std::string_view id) { events.push_back({uid, fact(instant, id)}); }
  void command(time_ms instant, std::string_view id, bool promotion = false) {
    commands.push_back(fact(instant, id));
    // The switches number the controls: the number of commands so far.
    in_force.push_back(
        {in_force.size() % 2 != 0, in_force.size() >= 2, promotion ? &other_rules : in_force.back().policies});
    periods.push_back({&commands.back(), &in_force.back()});
  }
  /// "uid: now/controls[events] ...", controls counted from 0.
  lines cut(time_ms previous, time_ms now) {
    epoch sealed;
    sealed.now = now;
    sealed.events = events;
    slice_cutter cutter;
    lines all;
    for (const auto& each : cutter.cut(sealed, periods, due, previous)) {
      std::string line = std::string(each.uid) + ":";
      for (const auto& taken : each.steps) {
        std::size_t which = 0;
        while (periods[which].in_force != taken.in_force)
          ++which;
        line += " " + std::to_string(taken.now) + "/" + std::to_string(which) + "[";
        for (const auto& what : each.events.subspan(taken.first, taken.count))
          line += event_id(what);
        line += "]";
      }
      all.push_back(line);
    }
    return all;
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(slices)

BOOST_AUTO_TEST_CASE(users_and_their_events_are_put_in_order) {
  cutting given;
  given.put("b", 7, "y");
  given.put("a", 9, "p");
  given.put("b", 5, "z");
  given.put("b", 7, "x");
  BOOST_TEST(given.cut(0, 10) == (lines{"a: 10/0[p]", "b: 10/0[zxy]"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(due_users_take_their_place_with_or_without_events) {
  cutting given;
  given.put("b", 7, "x");
  given.put("d", 7, "y");
  given.due = {"a", "b", "c", "e"};
  BOOST_TEST(given.cut(0, 10) == (lines{"a: 10/0[]", "b: 10/0[x]", "c: 10/0[]", "d: 10/0[y]", "e: 10/0[]"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_command_divides_events_and_timers) {
  cutting given;
  given.put("a", 3, "u");
  given.put("a", 5, "k"); // before the command by its id
  given.put("a", 5, "v"); // behind it
  given.put("a", 8, "w");
  given.put("b", 8, "w");
  given.due = {"c"};
  given.command(5, "m");
  BOOST_TEST(
      given.cut(0, 10) == (lines{"a: 4/0[] 10/1[] 10/0[uk] 10/1[vw]", "b: 4/0[] 10/1[] 10/1[w]", "c: 4/0[] 10/1[]"}),
      boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(several_commands_make_as_many_stretches) {
  cutting given;
  given.put("a", 1, "u");
  given.put("a", 4, "v");
  given.put("a", 7, "w");
  given.command(3, "m");
  given.command(6, "n");
  BOOST_TEST(given.cut(0, 10) == lines{"a: 2/0[] 5/1[] 10/2[] 10/0[u] 10/1[v] 10/2[w]"});
}

BOOST_AUTO_TEST_CASE(a_late_or_future_command_divides_no_time_that_is_not_there) {
  cutting late;
  late.put("a", 9, "u");
  late.command(3, "m");
  BOOST_TEST(late.cut(5, 10) == lines{"a: 10/1[] 10/1[u]"});
  cutting future;
  future.put("a", 9, "u");
  future.command(15, "m");
  BOOST_TEST(future.cut(5, 10) == lines{"a: 10/0[] 10/1[] 10/0[u]"});
}

BOOST_AUTO_TEST_CASE(a_promotion_moves_a_user_once_and_at_last) {
  cutting given;
  given.put("a", 3, "u"); // before it
  given.put("b", 8, "v"); // behind it
  given.put("c", 3, "u");
  given.put("c", 8, "v");
  given.due = {"d"};
  given.command(5, "m", true);
  BOOST_TEST(
      given.cut(0, 10)
          == (lines{"a: 4/0[] 10/0[u] 10/1[]", "b: 4/0[] 10/1[v]", "c: 4/0[] 10/0[u] 10/1[v]", "d: 4/0[] 10/1[]"}),
      boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
