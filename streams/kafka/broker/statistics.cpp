// SPDX-License-Identifier: Apache-2.0

#include "streams/kafka/broker/statistics.hpp"

#include <simdjson.h>

namespace fairuse::kafka {

void each_stable_offset(std::string_view json,
                        const std::function<void(std::string_view, std::int32_t, std::int64_t)>& each) {
  simdjson::dom::parser parser;
  simdjson::dom::object topics;
  if (parser.parse(json)["topics"].get(topics) != simdjson::SUCCESS) return;
  for (const auto& topic : topics) {
    simdjson::dom::object partitions;
    if (topic.value["partitions"].get(partitions) != simdjson::SUCCESS) continue;
    for (const auto& partition : partitions) {
      std::int64_t number = -1;
      std::int64_t stable = -1;
      if (partition.value["partition"].get(number) != simdjson::SUCCESS or number < 0) continue;
      if (partition.value["ls_offset"].get(stable) != simdjson::SUCCESS or stable < 0) continue;
      each(topic.key, static_cast<std::int32_t>(number), stable);
    }
  }
}

std::int64_t repeated_requests(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::object brokers;
  if (parser.parse(json)["brokers"].get(brokers) != simdjson::SUCCESS) return -1;
  std::int64_t sum = 0;
  for (const auto& broker : brokers)
    for (const auto* name : {"txretries", "req_timeouts"}) {
      std::int64_t count = 0;
      if (broker.value[name].get(count) == simdjson::SUCCESS) sum += count;
    }
  return sum;
}

} // namespace fairuse::kafka
