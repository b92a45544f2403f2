// SPDX-License-Identifier: Apache-2.0

#include "sim/recorded_switches.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

using namespace fairuse;
using namespace fairuse::sim;

namespace {

history::broadcast_command command(std::int32_t partition, time_ms now, admin_verb verb, bool on, time_ms instant) {
  history::broadcast_command made;
  made.partition = partition;
  made.now = now;
  made.instant = instant;
  made.what.verb = verb;
  made.what.on = on;
  return made;
}

/// Steps as text: `now/enabled or off or killed/number of events`.
struct written_steps {
  std::vector<switch_change> changes;
  all_controls under = controls_with(nullptr);
  std::vector<step> steps;
  switched_steps writer{under, changes, steps};

  explicit written_steps(std::vector<switch_change> all) : changes(std::move(all)) {}

  /// `of`: numbers are marks, nullopt is an event.
  void add(time_ms now, const std::vector<std::optional<std::uint32_t>>& of) {
    std::vector<std::uint32_t> marks;
    for (const auto& each : of)
      if (each) marks.push_back(*each);
    writer.begin(now, marks);
    for (const auto& each : of)
      if (each)
        writer.pass_mark(*each);
      else
        writer.add();
  }
  std::string text() const {
    std::string out;
    for (const auto& each : steps)
      out += std::to_string(each.now)
             + (each.in_force->killed    ? "/killed/"
                : each.in_force->enabled ? "/on/"
                                         : "/off/")
             + std::to_string(each.count) + " ";
    return out;
  }
};

const std::optional<std::uint32_t> speech;

} // namespace

BOOST_AUTO_TEST_SUITE(recorded_switches_of_a_history)

BOOST_AUTO_TEST_CASE(are_those_of_each_partition_and_changes_alone) {
  history::history_contents contents;
  contents.broadcasts = {command(0, 10, admin_verb::enable, true, 9), command(0, 20, admin_verb::enable, false, 19),
                         command(0, 30, admin_verb::promote_policy, false, 29),
                         command(0, 40, admin_verb::kill_switch, true, 39),
                         command(1, 15, admin_verb::enable, false, 14)};
  const auto all = switches_of(contents);
  BOOST_REQUIRE(all.at(0).size() == 2U);
  BOOST_TEST(all.at(0)[0].mark == 1U);
  BOOST_TEST(not all.at(0)[0].enabled);
  BOOST_TEST(all.at(0)[1].mark == 3U);
  BOOST_TEST(all.at(0)[1].killed);
  BOOST_TEST(not all.at(0)[1].enabled);
  BOOST_TEST(all.at(1).size() == 1U);
  BOOST_TEST(all.at(1)[0].mark == 4U);
}

BOOST_AUTO_TEST_CASE(begin_with_what_the_engine_was_started_with) {
  history::history_contents contents;
  contents.runs = {{.partition = 0, .epoch = 1, .now = 10, .enabled = false},
                   {.partition = 0, .epoch = 5, .now = 50, .previous_now = 40, .enabled = false, .killed = true},
                   {.partition = 1, .epoch = 1, .now = 10, .enabled = true}};
  contents.broadcasts = {command(0, 30, admin_verb::enable, true, 29), command(0, 31, admin_verb::enable, false, 30)};
  contents.broadcasts[0].epoch = 3;
  contents.broadcasts[1].epoch = 4;
  const auto all = switches_of(contents);
  BOOST_REQUIRE(all.at(0).size() == 4U);
  BOOST_TEST(all.at(0)[0].mark == 2U);
  BOOST_TEST(not all.at(0)[0].enabled);
  BOOST_TEST(all.at(0)[1].mark == 0U);
  BOOST_TEST(all.at(0)[2].mark == 1U);
  BOOST_TEST(all.at(0)[3].mark == 3U);
  BOOST_TEST(all.at(0)[3].instant == 41);
  BOOST_TEST(all.at(0)[3].killed);
  BOOST_TEST(all.at(1).empty());
}

BOOST_AUTO_TEST_CASE(let_timers_that_are_due_before_a_command_fire_under_what_held) {
  written_steps of({{0, 20, 18, false, false}, {1, 40, 40, true, false}});
  of.add(10, {speech});
  of.add(30, {speech, speech});
  of.writer.finish(50);
  BOOST_TEST(of.text() == "10/on/1 17/on/0 30/off/2 39/off/0 50/on/0 ");
}

BOOST_AUTO_TEST_CASE(take_their_place_among_the_events_of_a_step) {
  written_steps of({{5, 20, 19, false, false}, {6, 20, 20, true, true}});
  of.add(10, {speech});
  of.add(20, {speech, 5, speech, speech, 6});
  of.writer.finish(20);
  BOOST_TEST(of.text() == "10/on/1 18/on/0 19/off/0 20/killed/0 20/on/1 20/off/2 20/killed/0 ");
}

BOOST_AUTO_TEST_CASE(cost_no_step_of_a_user_who_has_none_yet) {
  written_steps of({{0, 5, 5, false, false}});
  of.add(10, {speech});
  of.writer.finish(20);
  BOOST_TEST(of.text() == "10/off/1 20/off/0 ");
}

BOOST_AUTO_TEST_CASE(end_with_the_history) {
  written_steps of({{0, 99, 98, false, false}});
  of.add(10, {speech});
  of.writer.finish(20);
  BOOST_TEST(of.text() == "10/on/1 20/on/0 ");
}

BOOST_AUTO_TEST_SUITE_END()
