// SPDX-License-Identifier: Apache-2.0
//
// Notices of Kafka mode, on the simulated log.
#include <span>

#include <boost/test/unit_test.hpp>

#include "api/notifier/kafka_notices.hpp"
#include "tests/simlog/simulated_cluster.hpp"

namespace fairuse {

namespace {

struct other_notifier : kafka::membership {
  void assigned(std::span<const kafka::topic_partition>) override {}
  void revoked(bool) override {}
};

} // namespace

// Nobody would be at the stage that a notice tells of, and it would be dropped.
BOOST_AUTO_TEST_CASE(nothing_is_sent_between_an_assignment_and_the_knowledge_of_stages) {
  simlog::simulated_log log;
  for (const auto* topic : {"notifications", "enforcement", "ends"})
    log.make_topic(topic, 2);
  simlog::fault_plan faults;
  simlog::simulated_cluster cluster{log, {.after_loss = simlog::outcome::repeats}, faults};
  const auto source = kafka_notices::open({.group = "notifiers",
                                           .instance = "one",
                                           .notifications = "notifications",
                                           .enforcement = "enforcement",
                                           .ends = "ends"},
                                          cluster);
  BOOST_REQUIRE(source.has_value());
  constexpr time_ms now = 1'750'000'000'000;
  const auto turns = [&](int count) {
    for (int i = 0; i < count; ++i)
      BOOST_TEST((*source)->save(now).has_value());
  };
  turns(6);
  BOOST_TEST(not(*source)->is_held(now).value());

  simlog::simulated_cluster elsewhere{log};
  other_notifier told;
  const auto other = elsewhere.join({"notifiers", "two", {"notifications"}}, told);
  other->poll(kafka::milliseconds{0});
  turns(6);
  faults.script(simlog::point::range, simlog::fault::lost);
  BOOST_TEST((*source)->is_held(now).value());
  BOOST_TEST(not(*source)->is_held(now).value());
}

} // namespace fairuse
