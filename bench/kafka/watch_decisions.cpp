// SPDX-License-Identifier: Apache-2.0
//
// Prints when decisions become visible to a reader of committed records. The decisions are JSON with
// "cause":{"event":"ID"}, ID made by `fill_topic --paced`: p-<monotonic ns of its making>-<number>.
//
//   watch_decisions BOOTSTRAP TOPIC SECONDS
//
// Reads from the topic's end and prints `ready`, then for the first decision caused by each event one line
//   <ns when it became visible> <ns when the event was made>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unordered_set>

#include "bench/kafka/client.hpp"

namespace {

using namespace fairuse::bench;

/// The number in the cause's id; 0: there is none, or it is not of a paced event.
std::int64_t made_ns(std::string_view decision) {
  constexpr std::string_view before = R"("event":"p-)";
  const auto at = decision.find(before);
  if (at == decision.npos) return 0;
  std::int64_t number = 0;
  for (const char c : decision.substr(at + before.size())) {
    if (c < '0' or c > '9') break;
    number = number * 10 + (c - '0');
  }
  return number;
}

void assign_to_end(rd_kafka_t& consumer, const std::string& topic) {
  const auto ranges = offsets_of(consumer, topic);
  if (ranges.empty()) fail(topic, "no such topic");
  const owned<rd_kafka_topic_partition_list_t> list{rd_kafka_topic_partition_list_new(static_cast<int>(ranges.size()))};
  for (std::size_t p = 0; p < ranges.size(); ++p)
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), static_cast<std::int32_t>(p))->offset = ranges[p].high;
  check("assign", rd_kafka_assign(&consumer, list.get()));
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: watch_decisions BOOTSTRAP TOPIC SECONDS\n", stderr);
    return 2;
  }
  const std::string topic = argv[2];
  const auto consumer = make_client(RD_KAFKA_CONSUMER, {{"bootstrap.servers", argv[1]},
                                                        {"group.id", "bench-watch"},
                                                        {"isolation.level", "read_committed"},
                                                        {"enable.auto.commit", "false"},
                                                        {"fetch.wait.max.ms", "500"},
                                                        {"fetch.min.bytes", "1"}});
  assign_to_end(*consumer, topic);
  std::puts("ready");
  std::fflush(stdout);
  const auto end_ns = monotonic_ns() + std::atoll(argv[3]) * 1'000'000'000;
  std::unordered_set<std::int64_t> seen;
  while (monotonic_ns() < end_ns) {
    auto* message = rd_kafka_consumer_poll(consumer.get(), 100);
    if (message == nullptr) continue;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      const auto made = made_ns({static_cast<const char*>(message->payload), message->len});
      if (made != 0 and seen.insert(made).second) {
        std::printf("%lld %lld\n", static_cast<long long>(monotonic_ns()), static_cast<long long>(made));
        std::fflush(stdout);
      }
    }
    rd_kafka_message_destroy(message);
  }
  return 0;
}
