// SPDX-License-Identifier: Apache-2.0

#include "streams/kafka/admin/topic_rules.hpp"

#include <algorithm>

#include <boost/test/unit_test.hpp>

using namespace fairuse;
using namespace fairuse::kafka;

namespace {

const topic_needs needs{.topics = {{topic_role::input, "in"},
                                   {topic_role::input, "admin"},
                                   {topic_role::decisions, "d"},
                                   {topic_role::dead_letters, "dlq"},
                                   {topic_role::journal, "j"},
                                   {topic_role::changelog, "c"}},
                        .replay_ms = 3'024'000'000,
                        .decisions_ms = 34'560'000'000,
                        .record_bytes_max = 1'048'588,
                        .dead_letter_extra_bytes = 65'536};

/// As `create` leaves them.
std::vector<found_topic> as_made(std::int32_t replicas = 1) {
  std::vector<found_topic> all;
  for (const auto& each : wanted_topics(needs, replicas))
    all.push_back({.topic = each.topic, .exists = true, .partitions = 4, .replicas = replicas, .config = each.config});
  return all;
}

std::vector<difference> found_wrong(const std::vector<found_topic>& topics, std::int32_t brokers = 1) {
  return differences(needs, topics, brokers, "--bootstrap-server b");
}

found_topic& named(std::vector<found_topic>& all, const std::string& topic) {
  return *std::find_if(all.begin(), all.end(), [&](const found_topic& each) { return each.topic == topic; });
}

} // namespace

BOOST_AUTO_TEST_SUITE(rules_of_topics)

BOOST_AUTO_TEST_CASE(topics_made_as_wanted_have_nothing_wrong) {
  BOOST_TEST(found_wrong(as_made()).empty());
  BOOST_TEST(found_wrong(as_made(3), 3).empty());
  BOOST_TEST(common_partitions(needs, as_made()) == 4);
}

BOOST_AUTO_TEST_CASE(state_is_compacted_and_history_is_kept) {
  const auto all = wanted_topics(needs, 3);
  const auto& changelog = all.back().config;
  BOOST_TEST(changelog.at("cleanup.policy") == "compact");
  BOOST_TEST(changelog.at("delete.retention.ms") == "604800000");
  BOOST_TEST(changelog.at("max.compaction.lag.ms") == "604800000");
  BOOST_TEST(changelog.at("segment.ms") == "86400000");
  BOOST_TEST(changelog.at("min.insync.replicas") == "2");
  BOOST_TEST(changelog.at("unclean.leader.election.enable") == "false");
  const auto& journal = all[4].config;
  BOOST_TEST((journal.at("cleanup.policy") == "delete" and journal.at("retention.ms") == "3024000000"));
  BOOST_TEST(all[2].config.at("retention.ms") == "34560000000");
  BOOST_TEST(all[3].config.at("max.message.bytes") == "1114124");
  BOOST_TEST(all[0].config.at("max.message.bytes") == "1048588");
}

BOOST_AUTO_TEST_CASE(a_setting_that_would_lose_state_is_named_with_its_remedy) {
  const struct {
    const char* topic;
    const char* setting;
    const char* value;
    gravity how;
  } rows[] = {
      {"c", "cleanup.policy", "compact,delete", gravity::needed},
      {"c", "cleanup.policy", "delete", gravity::needed},
      {"c", "delete.retention.ms", "86400000", gravity::needed},
      {"c", "max.compaction.lag.ms", "9223372036854775807", gravity::needed},
      {"c", "segment.ms", "604800000", gravity::better},
      {"c", "min.cleanable.dirty.ratio", "0.9", gravity::better},
      {"j", "cleanup.policy", "compact", gravity::needed},
      {"j", "retention.ms", "604800000", gravity::needed},
      {"j", "retention.bytes", "1000000", gravity::needed},
      {"d", "retention.ms", "604800000", gravity::better},
      {"dlq", "max.message.bytes", "1048588", gravity::needed},
      {"in", "cleanup.policy", "compact", gravity::needed},
      {"in", "max.message.bytes", "10000000", gravity::needed},
      {"in", "unclean.leader.election.enable", "true", gravity::needed},
  };
  for (const auto& row : rows) {
    auto topics = as_made();
    named(topics, row.topic).config[row.setting] = row.value;
    const auto wrong = found_wrong(topics);
    BOOST_REQUIRE_MESSAGE(wrong.size() == 1U, row.topic << " " << row.setting);
    BOOST_TEST((wrong[0].how == row.how), row.topic << " " << row.setting);
    BOOST_TEST(wrong[0].what.starts_with(std::string{row.setting} + " is " + row.value + ", not "), wrong[0].what);
    BOOST_TEST(wrong[0].remedy.starts_with("kafka-configs.sh --bootstrap-server b --alter --topic "
                                           + std::string{row.topic} + " --add-config " + row.setting + "="),
               wrong[0].remedy);
  }
}

BOOST_AUTO_TEST_CASE(retention_without_limit_is_long_enough) {
  auto topics = as_made();
  named(topics, "j").config["retention.ms"] = "-1";
  named(topics, "d").config["retention.ms"] = "99999999999";
  BOOST_TEST(found_wrong(topics).empty());
}

BOOST_AUTO_TEST_CASE(every_topic_has_the_partitions_of_the_inputs) {
  auto topics = as_made();
  named(topics, "c").partitions = 3;
  auto wrong = found_wrong(topics);
  BOOST_REQUIRE(wrong.size() == 1U);
  BOOST_TEST(wrong[0].what == "has 3 partitions, the inputs have 4");
  BOOST_TEST(wrong[0].remedy
             == "kafka-topics.sh --bootstrap-server b --alter --topic c --partitions 4, if the engine has not run yet");
  named(topics, "c").partitions = 5;
  BOOST_TEST(found_wrong(topics)[0].remedy.starts_with("partitions cannot be taken away"));
  named(topics, "c").partitions = 4;
  named(topics, "admin").partitions = 1;
  wrong = found_wrong(topics);
  BOOST_REQUIRE(wrong.size() == 2U);
  BOOST_TEST(wrong[1].what == "has 1 partitions; all inputs need the same number");
  BOOST_TEST(common_partitions(needs, topics) == 0);
}

BOOST_AUTO_TEST_CASE(missing_and_hidden_topics_are_told_apart) {
  auto topics = as_made();
  named(topics, "j") = {.topic = "j"};
  named(topics, "c") = {.topic = "c", .hidden = true};
  const auto wrong = found_wrong(topics);
  BOOST_REQUIRE(wrong.size() == 2U);
  BOOST_TEST(wrong[0].what == "does not exist");
  BOOST_TEST(wrong[0].remedy == "fairuse topics create");
  BOOST_TEST(wrong[1].what == "is not visible to this user: it may not describe it");
}

BOOST_AUTO_TEST_CASE(copies_are_counted_against_the_brokers_there_are) {
  auto topics = as_made(1);
  for (const auto& each : found_wrong(topics, 3)) {
    BOOST_TEST((each.how == gravity::better));
    BOOST_TEST(each.what == "has 1 copy on 3 brokers; 3 survive the loss of a broker");
  }
  topics = as_made(3);
  named(topics, "c").config["min.insync.replicas"] = "1";
  BOOST_TEST(found_wrong(topics, 3).at(0).what.starts_with("min.insync.replicas is 1, not at least 2"));
  topics = as_made(1);
  named(topics, "c").config["min.insync.replicas"] = "2";
  BOOST_TEST(found_wrong(topics).at(0).what == "has 1 replicas and min.insync.replicas=2: nothing can be written");
}

BOOST_AUTO_TEST_CASE(a_configuration_that_may_not_be_read_is_said_to_be_so) {
  auto topics = as_made();
  named(topics, "c").config.clear();
  const auto wrong = found_wrong(topics);
  BOOST_REQUIRE(wrong.size() == 1U);
  BOOST_TEST((wrong[0].how == gravity::better));
  BOOST_TEST(wrong[0].what == "does not show its configuration to this user");
}

BOOST_AUTO_TEST_SUITE_END()
