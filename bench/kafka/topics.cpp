// SPDX-License-Identifier: Apache-2.0
//
// Topics for the Kafka benchmarks.
//
//   kafka_topics BOOTSTRAP create NAME:PARTITIONS[:compact]...   creates them, keeps existing ones
//   kafka_topics BOOTSTRAP size NAME...                          prints the sum of the offset ranges of each

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/kafka/client.hpp"

namespace {

using namespace fairuse::bench;

struct wanted {
  std::string name;
  int partitions = 1;
  bool compact = false;
};

wanted parse(std::string_view text) {
  wanted made;
  const auto colon = text.find(':');
  if (colon == text.npos) fail(text, "expected NAME:PARTITIONS[:compact]");
  made.name = text.substr(0, colon);
  made.partitions = std::atoi(text.data() + colon + 1);
  made.compact = text.ends_with(":compact");
  if (made.partitions < 1) fail(text, "at least one partition");
  return made;
}

void create(rd_kafka_t& client, const wanted& one) {
  std::string why(256, '\0');
  auto* topic = rd_kafka_NewTopic_new(one.name.c_str(), one.partitions, 1, why.data(), why.size());
  if (topic == nullptr) fail(one.name, why);
  if (one.compact) check(one.name, rd_kafka_NewTopic_set_config(topic, "cleanup.policy", "compact"));
  const owned<rd_kafka_queue_t> queue{rd_kafka_queue_new(&client)};
  rd_kafka_CreateTopics(&client, &topic, 1, nullptr, queue.get());
  auto* event = rd_kafka_queue_poll(queue.get(), 15'000);
  if (event == nullptr) fail(one.name, "no answer to CreateTopics");
  check(one.name, rd_kafka_event_error(event));
  std::size_t count = 0;
  const auto* result = rd_kafka_event_CreateTopics_result(event);
  const auto* const* told = rd_kafka_CreateTopics_result_topics(result, &count);
  const auto error = rd_kafka_topic_result_error(told[0]);
  if (error != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) check(one.name, error);
  rd_kafka_event_destroy(event);
  rd_kafka_NewTopic_destroy(topic);
}

/// CreateTopics returns before all brokers have the topic and its leaders.
void await(rd_kafka_t& client, const wanted& one) {
  for (int tries = 0; partition_count(client, one.name) < one.partitions; ++tries) {
    if (tries == 100) fail(one.name, "was created and did not appear");
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  }
  offsets_of(client, one.name);
}

void print_size(rd_kafka_t& client, const std::string& topic) {
  std::int64_t sum = 0;
  for (const auto& range : offsets_of(client, topic))
    sum += range.high - range.low;
  std::printf("%lld\n", static_cast<long long>(sum));
}

} // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 3 or (words[1] != "create" and words[1] != "size")) {
    std::fputs("usage: kafka_topics BOOTSTRAP create NAME:PARTITIONS[:compact]... | size NAME...\n", stderr);
    return 2;
  }
  const auto client = make_client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", words[0]}});
  for (std::size_t i = 2; i < words.size(); ++i) {
    if (words[1] == "create")
      create(*client, parse(words[i]));
    else
      print_size(*client, words[i]);
  }
  if (words[1] == "create") {
    for (std::size_t i = 2; i < words.size(); ++i)
      await(*client, parse(words[i]));
  }
  return 0;
}
