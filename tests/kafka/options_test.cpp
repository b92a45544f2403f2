// SPDX-License-Identifier: Apache-2.0
//
// Options that are refused before any connection, and the figures from librdkafka's statistics.

#include <map>

#include <boost/test/unit_test.hpp>

#include "streams/kafka/broker/real_cluster.hpp"
#include "streams/kafka/broker/statistics.hpp"

namespace fairuse::kafka {

namespace {

// Nothing listens there, so a client that connects would fail.
real_cluster_options nowhere() {
  real_cluster_options options;
  options.bootstrap = "127.0.0.1:1";
  return options;
}

std::string problem_of(real_cluster_options options) {
  const auto made = make_real_cluster(std::move(options));
  return made ? std::string() : made.error().message;
}

} // namespace

BOOST_AUTO_TEST_CASE(options_without_properties_are_taken) { BOOST_TEST(problem_of(nowhere()) == ""); }

BOOST_AUTO_TEST_CASE(properties_of_one_kind_of_client_are_taken) {
  auto options = nowhere();
  options.properties = {{"linger.ms", "20"}, {"fetch.min.bytes", "100"}, {"queued.min.messages", "1000"}};
  BOOST_TEST(problem_of(options) == "");
}

BOOST_AUTO_TEST_CASE(an_unknown_property_is_refused_by_name) {
  auto options = nowhere();
  options.properties = {{"lingre.ms", "20"}};
  BOOST_TEST(problem_of(options).starts_with("Kafka property lingre.ms: "));
}

BOOST_AUTO_TEST_CASE(a_value_that_a_property_cannot_have_is_refused) {
  auto options = nowhere();
  options.properties = {{"security.protocol", "secret"}};
  BOOST_TEST(problem_of(options).starts_with("Kafka property security.protocol: "));
}

BOOST_AUTO_TEST_CASE(a_file_that_is_not_there_is_refused) {
  auto options = nowhere();
  options.properties = {{"security.protocol", "ssl"}, {"ssl.ca.location", "/nowhere/ca.pem"}};
  BOOST_TEST(problem_of(options).starts_with("Kafka client cannot be made: "));
}

BOOST_AUTO_TEST_CASE(what_the_protocol_stands_on_cannot_be_set) {
  for (const auto* name :
       {"isolation.level", "enable.idempotence", "acks", "group.instance.id", "message.timeout.ms"}) {
    auto options = nowhere();
    options.properties = {{name, "1"}};
    BOOST_TEST(problem_of(options).starts_with("Kafka property " + std::string{name} + " cannot be set"));
  }
}

BOOST_AUTO_TEST_CASE(a_cluster_without_an_address_is_refused) {
  BOOST_TEST(problem_of({}) == "Kafka has no bootstrap address. Name at least one broker as host:port.");
}

BOOST_AUTO_TEST_CASE(stable_offsets_are_read_in_the_statistics) {
  constexpr std::string_view json = R"({"topics":{"a":{"partitions":{
    "0":{"partition":0,"ls_offset":8},"1":{"partition":1,"ls_offset":-1001},"-1":{"partition":-1,"ls_offset":5}}}}})";
  std::map<std::pair<std::string, std::int32_t>, std::int64_t> seen;
  each_stable_offset(json, [&seen](std::string_view topic, std::int32_t partition, std::int64_t offset) {
    seen[{std::string{topic}, partition}] = offset;
  });
  BOOST_TEST(seen.size() == 1U);
  BOOST_TEST((seen.at({"a", 0}) == 8));
}

BOOST_AUTO_TEST_CASE(repeated_requests_are_summed_over_brokers) {
  BOOST_TEST(repeated_requests(R"({"brokers":{"a":{"txretries":2,"req_timeouts":1},"b":{"txretries":4}}})") == 7);
  BOOST_TEST(repeated_requests("no json") == -1);
}

} // namespace fairuse::kafka
