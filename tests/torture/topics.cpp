// SPDX-License-Identifier: Apache-2.0
#include "tests/torture/topics.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>

#include <librdkafka/rdkafka.h>

namespace fairuse::torture {

namespace {

constexpr int patience_ms = 20'000;

struct closer {
  void operator()(rd_kafka_t* client) const { rd_kafka_destroy(client); }
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
  void operator()(rd_kafka_topic_partition_list_t* list) const { rd_kafka_topic_partition_list_destroy(list); }
  void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
};
template <class T>
using owned = std::unique_ptr<T, closer>;

owned<rd_kafka_t> make_consumer(const std::string& bootstrap, const std::string& group) {
  auto* conf = rd_kafka_conf_new();
  const std::pair<const char*, std::string> settings[] = {
      {"bootstrap.servers", bootstrap},      {"group.id", group},
      {"enable.auto.commit", "false"},       {"isolation.level", "read_committed"},
      {"enable.partition.eof", "true"},      {"auto.offset.reset", "error"},
      {"fetch.message.max.bytes", "4194304"}};
  std::array<char, 256> why{};
  for (const auto& [name, value] : settings)
    if (rd_kafka_conf_set(conf, name, value.c_str(), why.data(), why.size()) != RD_KAFKA_CONF_OK)
      give_up(name + std::string(": ") + why.data());
  owned<rd_kafka_t> made(rd_kafka_new(RD_KAFKA_CONSUMER, conf, why.data(), why.size()));
  if (not made) give_up(why.data());
  rd_kafka_poll_set_consumer(made.get());
  return made;
}

std::optional<std::string> text_of(const void* bytes, std::size_t size) {
  if (bytes == nullptr) return std::nullopt;
  return std::string(static_cast<const char*>(bytes), size);
}

stored_record copy_of(const rd_kafka_message_t& from) {
  stored_record made{from.offset, text_of(from.key, from.key_len), text_of(from.payload, from.len), {}};
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&from, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return made;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i)
    made.headers.emplace_back(name, text_of(value, size));
  return made;
}

void check(rd_kafka_resp_err_t error, const std::string& what) {
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) give_up(what + ": " + rd_kafka_err2str(error));
}

std::int32_t count_partitions(rd_kafka_t& client, const std::string& topic) {
  const owned<rd_kafka_topic_t> handle(rd_kafka_topic_new(&client, topic.c_str(), nullptr));
  const rd_kafka_metadata_t* told = nullptr;
  check(rd_kafka_metadata(&client, 0, handle.get(), &told, patience_ms), "metadata of " + topic);
  const auto count = told->topic_cnt == 1 ? told->topics[0].partition_cnt : 0;
  rd_kafka_metadata_destroy(told);
  if (count == 0) give_up("there is no topic " + topic);
  return count;
}

} // namespace

void give_up(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::fflush(stderr);
  // librdkafka's threads still run.
  std::_Exit(2);
}

std::string stored_record::header(std::string_view name) const {
  for (auto each = headers.rbegin(); each != headers.rend(); ++each)
    if (each->first == name) return each->second.value_or("");
  return {};
}

struct topics::parts {
  owned<rd_kafka_t> consumer;
};

topics::topics(std::string bootstrap) : bootstrap_(std::move(bootstrap)), parts_(std::make_unique<parts>()) {
  parts_->consumer = make_consumer(bootstrap_, "fairuse-judge");
}

topics::~topics() = default;

std::vector<stored_log> topics::read(const std::string& topic) {
  auto& client = *parts_->consumer;
  const auto count = count_partitions(client, topic);
  std::vector<stored_log> logs(static_cast<std::size_t>(count));
  const owned<rd_kafka_topic_partition_list_t> list(rd_kafka_topic_partition_list_new(count));
  for (std::int32_t p = 0; p < count; ++p)
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), p)->offset = RD_KAFKA_OFFSET_BEGINNING;
  check(rd_kafka_assign(&client, list.get()), "assigning " + topic);
  auto missing = count;
  int silent = 0;
  while (missing > 0) {
    const owned<rd_kafka_message_t> message(rd_kafka_consumer_poll(&client, 1'000));
    if (not message and ++silent > patience_ms / 1'000) give_up("nothing comes from " + topic);
    if (not message) continue;
    silent = 0;
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      logs.at(static_cast<std::size_t>(message->partition)).end = message->offset;
      --missing;
    } else if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      logs.at(static_cast<std::size_t>(message->partition)).records.push_back(copy_of(*message));
    } else if (message->err != RD_KAFKA_RESP_ERR__TRANSPORT and message->err != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
      check(message->err, "reading " + topic);
    }
  }
  check(rd_kafka_assign(&client, nullptr), "letting go of " + topic);
  for (std::int32_t p = 0; p < count; ++p) {
    std::int64_t low = 0;
    check(rd_kafka_query_watermark_offsets(&client, topic.c_str(), p, &low, &logs[static_cast<std::size_t>(p)].high,
                                           patience_ms),
          "end of " + topic);
  }
  return logs;
}

kafka::committed_offset topics::committed(const std::string& group, const std::string& topic, std::int32_t partition) {
  const auto client = make_consumer(bootstrap_, group);
  const owned<rd_kafka_topic_partition_list_t> list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition);
  check(rd_kafka_committed(client.get(), list.get(), patience_ms), "committed offsets of " + group);
  const auto& one = list->elems[0];
  check(one.err, "committed offset of " + topic);
  return {{topic, partition}, one.offset < 0 ? -1 : one.offset, text_of(one.metadata, one.metadata_size).value_or("")};
}

std::string topics::cluster_id() {
  char* id = rd_kafka_clusterid(parts_->consumer.get(), patience_ms);
  if (id == nullptr) give_up("the cluster has no id");
  std::string made(id);
  rd_kafka_mem_free(parts_->consumer.get(), id);
  return made;
}

} // namespace fairuse::torture
