// SPDX-License-Identifier: Apache-2.0

#include "engine/instance_view.hpp"

#include <boost/test/unit_test.hpp>

namespace fairuse {

namespace {

instance_view of_two_partitions() {
  const rules_view rules{.live = {"fair", "0a1b", std::nullopt},
                         .shadows = {{"fair-2", "2c3d", 1'700'000'000'000}},
                         .enabled = true,
                         .killed = true};
  instance_view made{.instance = "one",
                     .pid = 7,
                     .running = true,
                     .at = 1'700'000'000'000,
                     .bootstrap = "localhost:9092",
                     .decisions_topic = "decisions",
                     .dead_letters_topic = "dead",
                     .enforcement_topic = "enforcement",
                     .aborts = 1,
                     .recycled = 2,
                     .transactions = 3,
                     .rebalances = 4,
                     .dead_letters = {},
                     .partitions = {{.partition = 0, .state = "ready", .epoch = 9, .lag = 0, .rules = rules},
                                    {.partition = 1, .state = "restoring", .restored = 5, .to_restore = 6},
                                    {.partition = 2, .state = "refused", .says = "no offsets"}}};
  made.dead_letters[static_cast<std::size_t>(refusal::wrong_partition)] = 160;
  return made;
}

} // namespace

BOOST_AUTO_TEST_SUITE(instance_view_test)

BOOST_AUTO_TEST_CASE(a_view_is_read_as_it_was_written) {
  const auto read = instance_view_from(to_text(of_two_partitions()));
  BOOST_REQUIRE(read.has_value());
  BOOST_TEST((*read == of_two_partitions()));
}

BOOST_AUTO_TEST_CASE(half_a_view_and_one_of_an_earlier_build_are_refused) {
  const auto whole = to_text(of_two_partitions());
  BOOST_TEST(not instance_view_from(whole.substr(0, whole.size() / 2)).has_value());
  BOOST_TEST(not instance_view_from("").has_value());
  BOOST_TEST(not instance_view_from("[]").has_value());
  BOOST_TEST(not instance_view_from(R"({"instance":"one","pid":7,"running":true,"at":1,"partitions":[]})").has_value());
}

BOOST_AUTO_TEST_CASE(policies_in_force_are_told_without_the_slot_off) {
  policy live;
  live.name = "fair";
  live.digest = "0a1b";
  auto shadow = live;
  shadow.name = "fair-2";
  const auto policies = policy_set::make(live, {shadow});
  const auto told = view_of(controls{.enabled = true, .killed = false, .policies = policies.get()});
  BOOST_TEST(told.live.name == "fair");
  BOOST_TEST_REQUIRE(told.shadows.size() == 1);
  BOOST_TEST(told.shadows.front().name == "fair-2");
  BOOST_TEST(not told.shadows.front().complete_from.has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse
