// SPDX-License-Identifier: Apache-2.0
//
// Review requests of Kafka mode, on the simulated log: who is not asked about, and how often the brokers are asked.
#include "api/reviewer/kafka_requests.hpp"

#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include "tests/simlog/simulated_cluster.hpp"

namespace fairuse {

namespace {

/// A reviewer's source; the topics have one partition.
struct review_place {
  review_place() {
    for (const auto* topic : {"requests", "enforcement", "events"})
      log.make_topic(topic, 1);
    BOOST_REQUIRE(engine->prepare({}).has_value());
    write("enforcement", "*", R"({"enabled":true,"kill_switch":false})");
    auto made = kafka_requests::open({.group = "reviewers",
                                      .instance = "one",
                                      .requests = "requests",
                                      .enforcement = "enforcement",
                                      .input = "events"},
                                     cluster);
    BOOST_REQUIRE(made.has_value());
    source = std::move(*made);
  }

  /// Nullptr: a tombstone.
  void write(const char* topic, const std::string& key, const char* value) {
    BOOST_TEST(engine->begin().has_value());
    engine->produce(topic, 0, key, value == nullptr ? std::nullopt : std::optional<std::string_view>{value}, {});
    BOOST_TEST(engine->commit().has_value());
  }
  void ask_about(int users) {
    BOOST_TEST(engine->begin().has_value());
    for (int i = 0; i < users; ++i)
      engine->produce("requests", 0, fmt::format("user-{}", ++asked), R"({"request":"live-1"})", {});
    BOOST_TEST(engine->commit().has_value());
  }
  /// A turn, 20 ms after the last one.
  review_source::news turn(std::size_t most) {
    now += 20;
    auto news = source->poll(most, now);
    BOOST_REQUIRE(news.has_value());
    return std::move(*news);
  }
  /// Turns until something is handed over or passed over.
  review_source::news next(std::size_t most) {
    for (int i = 0; i < 10; ++i)
      if (auto news = turn(most); not news.requests.empty() or not news.passed.empty()) return news;
    BOOST_FAIL("nothing comes");
    return {};
  }
  std::uint64_t questions() const { return faults.passed(simlog::point::range); }

  simlog::simulated_log log;
  simlog::fault_plan faults;
  simlog::simulated_cluster driver{log};
  std::unique_ptr<kafka::transactional_producer> engine = driver.make_producer("engine");
  simlog::simulated_cluster cluster{log, {}, faults};
  std::unique_ptr<kafka_requests> source;
  int asked = 0;
  time_ms now = 1'750'000'000'000;
};

} // namespace

BOOST_AUTO_TEST_CASE(a_request_is_seen_with_what_was_committed_before_it) {
  review_place at;
  at.ask_about(1);
  BOOST_TEST(at.next(8).requests.size() == 1U);
  at.write("enforcement", "user-2", R"({"stage":"none","exempt":true})");
  at.ask_about(1);
  // In the turn in which it comes, however short it is after the last answer.
  const auto news = at.next(8);
  BOOST_TEST(news.requests.size() == 0U);
  BOOST_TEST((news.passed == std::vector{not_asked::exempt}));
}

BOOST_AUTO_TEST_CASE(a_request_that_has_waited_is_seen_with_what_has_come_since) {
  review_place at;
  at.ask_about(3);
  BOOST_TEST(at.next(1).requests.size() == 1U);
  at.write("enforcement", "user-2", R"({"stage":"none","exempt":true})");
  at.write("enforcement", "*", R"({"enabled":true,"kill_switch":true})");
  at.now += enforcement_view::age_max_ms;
  const auto news = at.turn(8);
  BOOST_TEST(news.requests.size() == 0U);
  BOOST_TEST((news.passed == std::vector{not_asked::exempt, not_asked::kill_switch}));
}

BOOST_AUTO_TEST_CASE(a_backlog_asks_the_brokers_no_oftener_than_switches_may_be_old) {
  review_place at;
  at.ask_about(2'000);
  BOOST_TEST(at.next(8).requests.size() == 8U);
  const auto before = at.questions();
  const auto began = at.now;
  std::size_t requests = 8;
  while (requests < 2'000)
    requests += at.turn(8).requests.size();
  BOOST_TEST(requests == 2'000U);
  const auto questions = static_cast<std::int64_t>(at.questions() - before);
  BOOST_TEST_MESSAGE(questions << " questions in " << (at.now - began) / 20 << " turns");
  BOOST_TEST(questions > 0);
  BOOST_TEST(questions <= (at.now - began) / enforcement_view::age_max_ms);
}

} // namespace fairuse
