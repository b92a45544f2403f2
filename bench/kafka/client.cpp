// SPDX-License-Identifier: Apache-2.0
#include "bench/kafka/client.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include <sys/resource.h>

namespace fairuse::bench {

namespace {

constexpr int timeout_ms = 10'000;

/// A topic that was just created has no leader for a moment.
bool is_temporary(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION or error == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE
         or error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

offset_range offsets_of(rd_kafka_t& client, const std::string& topic, std::int32_t partition) {
  const auto until_ns = monotonic_ns() + std::int64_t{timeout_ms} * 1'000'000;
  while (true) {
    offset_range told;
    const auto error =
        rd_kafka_query_watermark_offsets(&client, topic.c_str(), partition, &told.low, &told.high, timeout_ms);
    if (not is_temporary(error) or monotonic_ns() > until_ns) {
      check("offsets of " + topic, error);
      return told;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  }
}

void set(rd_kafka_conf_t* conf, const setting& one) {
  std::array<char, 256> why{};
  if (rd_kafka_conf_set(conf, one.first.c_str(), one.second.c_str(), why.data(), why.size()) != RD_KAFKA_CONF_OK)
    fail(one.first, why.data());
}

double seconds_of(const timeval& of) { return static_cast<double>(of.tv_sec) + static_cast<double>(of.tv_usec) / 1e6; }

} // namespace

void fail(std::string_view what, std::string_view why) {
  std::fprintf(stderr, "%.*s%s%.*s\n", static_cast<int>(what.size()), what.data(), why.empty() ? "" : ": ",
               static_cast<int>(why.size()), why.data());
  std::fflush(stderr);
  // The clients' threads still run, so no destructor may wait for them.
  std::_Exit(1);
}

void check(std::string_view what, rd_kafka_resp_err_t error) {
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) fail(what, rd_kafka_err2str(error));
}

void check(std::string_view what, rd_kafka_error_t* error) {
  const owned<rd_kafka_error_t> owner{error};
  if (owner) fail(what, rd_kafka_error_string(error));
}

owned<rd_kafka_t> make_client(rd_kafka_type_t kind, const std::vector<setting>& settings, delivery_report reported,
                              void* opaque) {
  auto* conf = rd_kafka_conf_new();
  for (const auto& one : settings)
    set(conf, one);
  if (reported != nullptr) rd_kafka_conf_set_dr_msg_cb(conf, reported);
  rd_kafka_conf_set_opaque(conf, opaque);
  std::array<char, 256> why{};
  owned<rd_kafka_t> made{rd_kafka_new(kind, conf, why.data(), why.size())};
  if (not made) fail("rd_kafka_new", why.data());
  if (kind == RD_KAFKA_CONSUMER) rd_kafka_poll_set_consumer(made.get());
  return made;
}

owned<rd_kafka_topic_t> open_topic(rd_kafka_t& client, const std::string& name) {
  owned<rd_kafka_topic_t> made{rd_kafka_topic_new(&client, name.c_str(), nullptr)};
  if (not made) fail(name, rd_kafka_err2str(rd_kafka_last_error()));
  return made;
}

std::int32_t partition_count(rd_kafka_t& client, const std::string& name) {
  const auto topic = open_topic(client, name);
  const rd_kafka_metadata_t* told = nullptr;
  check("metadata of " + name, rd_kafka_metadata(&client, 0, topic.get(), &told, timeout_ms));
  const auto count = told->topic_cnt == 1 ? told->topics[0].partition_cnt : 0;
  rd_kafka_metadata_destroy(told);
  return count;
}

std::vector<offset_range> offsets_of(rd_kafka_t& client, const std::string& topic) {
  std::vector<offset_range> ranges(static_cast<std::size_t>(partition_count(client, topic)));
  for (std::size_t p = 0; p < ranges.size(); ++p)
    ranges[p] = offsets_of(client, topic, static_cast<std::int32_t>(p));
  return ranges;
}

std::int64_t monotonic_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

std::int64_t wall_ms() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

process_cost cost_so_far() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return {.cpu_seconds = seconds_of(used.ru_utime) + seconds_of(used.ru_stime),
          .peak_bytes = std::int64_t{used.ru_maxrss} * 1024};
}

} // namespace fairuse::bench
