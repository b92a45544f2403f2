// SPDX-License-Identifier: Apache-2.0
//
// What the Kafka benchmarks' programs share: configured librdkafka handles, topics and their offsets. Any failure ends
// the program with a message, because a failed measurement has no result.
// Threads: as librdkafka's own handles.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <librdkafka/rdkafka.h>

namespace fairuse::bench {

struct close_handle {
  void operator()(rd_kafka_t* handle) const { rd_kafka_destroy(handle); }
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
  void operator()(rd_kafka_error_t* error) const { rd_kafka_error_destroy(error); }
  void operator()(rd_kafka_topic_partition_list_t* list) const { rd_kafka_topic_partition_list_destroy(list); }
  void operator()(rd_kafka_consumer_group_metadata_t* group) const { rd_kafka_consumer_group_metadata_destroy(group); }
};

template <class T>
using owned = std::unique_ptr<T, close_handle>;

using setting = std::pair<std::string, std::string>;
/// Called from rd_kafka_poll and rd_kafka_flush for every record; `opaque` is the one given to make_client.
using delivery_report = void (*)(rd_kafka_t*, const rd_kafka_message_t*, void* opaque);

[[noreturn]] void fail(std::string_view what, std::string_view why = {});
void check(std::string_view what, rd_kafka_resp_err_t error);
/// Takes the error.
void check(std::string_view what, rd_kafka_error_t* error);

owned<rd_kafka_t> make_client(rd_kafka_type_t kind, const std::vector<setting>& settings,
                              delivery_report reported = nullptr, void* opaque = nullptr);
owned<rd_kafka_topic_t> open_topic(rd_kafka_t& client, const std::string& name);
/// Asks the broker: librdkafka's first record to a new topic waits for a second. 0: no such topic.
std::int32_t partition_count(rd_kafka_t& client, const std::string& name);

struct offset_range {
  std::int64_t low = 0;
  std::int64_t high = 0;
};
std::vector<offset_range> offsets_of(rd_kafka_t& client, const std::string& topic);

/// CLOCK_MONOTONIC: one clock for all processes of the machine.
std::int64_t monotonic_ns();
std::int64_t wall_ms();

struct process_cost {
  double cpu_seconds = 0;
  std::int64_t peak_bytes = 0;
};
process_cost cost_so_far();

} // namespace fairuse::bench
