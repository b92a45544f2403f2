// SPDX-License-Identifier: Apache-2.0
//
// Cases outside the conformance table: refused records, positions of readers that go back, outages, log lines.

#include <atomic>

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include "tests/kafka/test_broker.hpp"

namespace fairuse::kafka {

namespace {

void require_done(const call_result<>& seen) {
  BOOST_REQUIRE_MESSAGE(seen.has_value(), (seen ? "" : seen.error().text));
}

struct on_a_broker {
  on_a_broker() : client{test_broker::client(patient())}, topic{broker().fresh("topic")}, part{topic, 0} {
    broker().make_topic(topic, 2);
  }

  static test_broker& broker() {
    static test_broker one{"4.1"};
    return one;
  }

  // Time-outs are not tested here.
  static real_cluster_options patient() {
    auto options = broker().options();
    options.transaction_timeout = milliseconds{60'000};
    options.session_timeout = milliseconds{10'000};
    return options;
  }

  std::unique_ptr<transactional_producer> prepared(cluster& by) const {
    auto producer = by.make_producer(broker().fresh("writer"));
    call_result<> said;
    do {
      said = producer->prepare({&topic, 1});
    } while (asks_for(said, next_action::again));
    require_done(said);
    return producer;
  }

  void write(transactional_producer& by, int count, std::string_view value = "value") const {
    BOOST_REQUIRE(by.begin().has_value());
    for (int i = 0; i < count; ++i)
      by.produce(topic, 0, "key", value, {});
  }

  void commit(transactional_producer& by) const {
    const auto flushed = by.flush();
    require_done(flushed);
    call_result<> said;
    do {
      said = by.commit();
    } while (asks_for(said, next_action::again));
    require_done(said);
  }

  std::vector<std::int64_t> read(reader& by, std::int64_t end) const {
    std::vector<std::int64_t> offsets;
    while (by.position_of(part) < end)
      if (const auto batch = by.poll(milliseconds{50}))
        for (const auto& record : batch->records())
          offsets.push_back(record.offset);
    return offsets;
  }

  /// Of a client that asks for what is not there, and then for what is.
  template <class Client, class Ask>
  void expect_failure_until_asked_again(Client& by, const Ask& ask) const {
    BOOST_REQUIRE(ask(position{part, 1'000}).has_value());
    while (by.failure())
      BOOST_REQUIRE(by.poll(milliseconds{20}) == nullptr);
    BOOST_TEST(by.failure().error().code == "OFFSET_OUT_OF_RANGE");
    BOOST_TEST(ask(position{part, 0}).has_value());
    BOOST_TEST(by.failure().has_value());
  }

  std::unique_ptr<cluster> client;
  std::string topic;
  topic_partition part;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(adapter, on_a_broker)

BOOST_AUTO_TEST_CASE(a_record_that_is_too_large_is_told_by_flush) {
  const auto producer = prepared(*client);
  write(*producer, 1, std::string(2'000'000, 'x'));
  producer->produce(topic, 1, "key", "fits", {});

  const auto flushed = producer->flush();

  BOOST_TEST(asks_for(flushed, next_action::abort));
  BOOST_TEST(flushed.error().code == "MSG_SIZE_TOO_LARGE");
  BOOST_TEST(producer->delivered_next(part) == -1);
  BOOST_TEST(producer->delivered_next({topic, 1}) == 1);
  require_done(producer->abort());
  write(*producer, 1);
  commit(*producer);
  BOOST_TEST(producer->delivered_next(part) == 1);
  BOOST_TEST(producer->delivered_next({topic, 1}) == -1);
}

BOOST_AUTO_TEST_CASE(a_topic_that_does_not_exist_cannot_be_prepared) {
  const std::string none = broker().fresh("none");
  auto producer = client->make_producer(broker().fresh("writer"));
  call_result<> said;
  do {
    said = producer->prepare({&none, 1});
  } while (asks_for(said, next_action::again));
  BOOST_TEST(asks_for(said, next_action::broken));
  BOOST_TEST(said.error().code == "UNKNOWN_TOPIC_OR_PART");
}

BOOST_AUTO_TEST_CASE(a_producer_on_a_healthy_broker_is_never_troubled) {
  const auto producer = prepared(*client);
  int had_errors = 0;
  for (int i = 0; i < 200; ++i) {
    write(*producer, 10);
    commit(*producer);
    had_errors += producer->had_errors() ? 1 : 0;
  }
  BOOST_TEST(had_errors == 0);
  BOOST_TEST(producer->delivered_next(part) == 199 * 11 + 10);
}

BOOST_AUTO_TEST_CASE(a_reader_that_goes_back_stands_where_it_was_told) {
  const auto producer = prepared(*client);
  write(*producer, 10);
  commit(*producer);
  const auto by = client->make_reader(isolation::committed);
  const position late{part, 6};
  BOOST_REQUIRE(by->start({&late, 1}).has_value());
  BOOST_TEST(by->position_of(part) == 6);
  BOOST_TEST(read(*by, 11) == (std::vector<std::int64_t>{6, 7, 8, 9}), boost::test_tools::per_element());
  const position early{part, 3};
  BOOST_REQUIRE(by->start({&early, 1}).has_value());
  BOOST_TEST(by->position_of(part) == 3);
  BOOST_TEST(read(*by, 11) == (std::vector<std::int64_t>{3, 4, 5, 6, 7, 8, 9}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_reader_that_asks_for_what_is_not_there_fails) {
  const auto by = client->make_reader(isolation::committed);
  expect_failure_until_asked_again(*by, [&](const position& from) { return by->start({&from, 1}); });
}

BOOST_AUTO_TEST_CASE(a_member_that_asks_for_what_is_not_there_fails_until_it_asks_again) {
  struct : membership {
    void assigned(std::span<const topic_partition> parts) override { has.assign(parts.begin(), parts.end()); }
    void revoked(bool) override { has.clear(); }
    std::vector<topic_partition> has;
  } told;
  const auto by = client->join({broker().fresh("group"), "one", {topic}}, told);
  while (told.has.empty())
    by->poll(milliseconds{20});
  expect_failure_until_asked_again(*by, [&](const position& from) { return by->fetch({&from, 1}); });
}

BOOST_AUTO_TEST_CASE(an_instant_has_an_offset) {
  const auto producer = prepared(*client);
  write(*producer, 3);
  commit(*producer);
  BOOST_TEST(client->offset_at(part, 0).value() == 0);
  BOOST_TEST(client->offset_at(part, 4'000'000'000'000).value() == 4);
}

BOOST_AUTO_TEST_CASE(an_outage_shorter_than_the_transaction_is_survived_and_makes_trouble) {
  if (not broker().is_own()) return;
  auto options = patient();
  std::atomic<int> lines = 0;
  options.log = [&lines](log_level, const std::string&) { ++lines; };
  const auto by = test_broker::client(options);
  const auto producer = prepared(*by);
  write(*producer, 10);
  commit(*producer);
  BOOST_TEST(not producer->had_errors());
  lines = 0;

  write(*producer, 1);
  broker().kill9();
  for (int i = 0; i < 9; ++i)
    producer->produce(topic, 0, "key", "value", {});
  broker().start();
  commit(*producer);

  BOOST_TEST(producer->had_errors());
  BOOST_TEST(lines > 0);
  BOOST_TEST(producer->delivered_next(part) == 21);
  const auto reading = by->make_reader(isolation::committed);
  const position start{part, 0};
  BOOST_REQUIRE(reading->start({&start, 1}).has_value());
  BOOST_TEST(read(*reading, 22).size() == 20U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse::kafka
