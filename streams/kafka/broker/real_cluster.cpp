// SPDX-License-Identifier: Apache-2.0

#include "streams/kafka/broker/real_cluster.hpp"

#include <algorithm>
#include <mutex>

#include <fmt/format.h>

#include "streams/kafka/broker/client.hpp"

namespace fairuse::kafka {

namespace {

// Questions go through handles that never fetch: on a fetching handle they would wait behind the fetch that is pending
// at the broker. librdkafka accepts questions from any thread.
class real_cluster final : public cluster, private listener {
public:
  explicit real_cluster(real_cluster_options options) : listener{options}, options_{std::move(options)} {}

  call_result<std::string> id() override {
    const auto opened = asking(isolation::uncommitted);
    if (not opened) return unopened(opened.error());
    auto* handle = *opened;
    char* found = rd_kafka_clusterid(handle, timeout_of(options_.call_timeout));
    if (found == nullptr) return error_of(RD_KAFKA_RESP_ERR__TIMED_OUT, "No broker tells the cluster's id");
    std::string told = found;
    rd_kafka_mem_free(handle, found);
    return told;
  }

  call_result<std::vector<std::int32_t>> partition_counts(std::span<const std::string> topics) override {
    std::vector<std::int32_t> counts;
    const auto opened = asking(isolation::uncommitted);
    if (not opened) return unopened(opened.error());
    auto* handle = *opened;
    for (const auto& name : topics) {
      const owned<rd_kafka_topic_t> topic{rd_kafka_topic_new(handle, name.c_str(), nullptr)};
      if (topic == nullptr) return error_of(rd_kafka_last_error(), "Topic " + name);
      const rd_kafka_metadata_t* raw = nullptr;
      const auto error = rd_kafka_metadata(handle, 0, topic.get(), &raw, timeout_of(options_.call_timeout));
      const owned<const rd_kafka_metadata_t> found{raw};
      if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return error_of(error, "Topic " + name + " cannot be looked up");
      const auto said = found->topic_cnt == 1 ? found->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
      const bool known = said != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART and said != RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
      if (known and said != RD_KAFKA_RESP_ERR_NO_ERROR) return error_of(said, "Topic " + name + " cannot be looked up");
      counts.push_back(known ? found->topics[0].partition_cnt : 0);
    }
    return counts;
  }

  call_result<log_range> range(const topic_partition& of, isolation how) override {
    const auto opened = asking(how);
    if (not opened) return unopened(opened.error());
    auto* handle = *opened;
    log_range found;
    const auto error = rd_kafka_query_watermark_offsets(handle, of.topic.c_str(), of.partition, &found.low, &found.high,
                                                        timeout_of(options_.call_timeout));
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
      return error_of(error, "The range of " + place_of(of.topic, of.partition) + " cannot be read");
    return found;
  }

  call_result<std::int64_t> offset_at(const topic_partition& of, time_ms at) override {
    const auto opened = asking(isolation::uncommitted);
    if (not opened) return unopened(opened.error());
    auto* handle = *opened;
    const std::array asked{position{of, at}};
    const auto list = list_of(asked);
    auto error = rd_kafka_offsets_for_times(handle, list.get(), timeout_of(options_.call_timeout));
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) error = list->elems[0].err;
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
      return error_of(error, "The offset of an instant in " + place_of(of.topic, of.partition) + " cannot be read");
    if (const auto found = list->elems[0].offset; found >= 0) return found;
    const auto whole = range(of, isolation::uncommitted);
    if (not whole) return whole.error();
    return whole->high;
  }

  std::unique_ptr<group_consumer> join(const member& who, membership& told) override {
    return make_real_consumer(options_, who, told);
  }

  std::unique_ptr<transactional_producer> make_producer(const std::string& transactional_id) override {
    return make_real_producer(options_, transactional_id);
  }

  std::unique_ptr<reader> make_reader(isolation how) override { return make_real_reader(options_, how); }

private:
  result<rd_kafka_t*> asking(isolation how) {
    const std::lock_guard lock{opening_};
    auto& handle = asking_[how == isolation::committed ? 0 : 1];
    if (handle == nullptr) {
      auto opened = open_client(options_, client_role::questions, {{"isolation.level", name_of(how)}}, *this);
      if (not opened) return std::move(opened).error();
      handle = std::move(*opened);
    }
    return handle.get();
  }

  const real_cluster_options options_;
  std::mutex opening_;
  std::array<owned<rd_kafka_t>, 2> asking_;
};

// Make every kind of client once, without a broker: librdkafka checks values, files and combinations.
result<void> try_clients(real_cluster_options options) {
  options.bootstrap.clear();
  options.log = nullptr;
  listener silent{options};
  const std::vector<std::pair<client_role, properties>> kinds{
      {client_role::member, {{"group.id", "check"}, {"group.instance.id", "check"}}},
      {client_role::producer, {{"transactional.id", "check"}}},
      {client_role::reader, {{"group.id", "check"}}},
      {client_role::questions, {}}};
  for (const auto& [role, own] : kinds)
    if (auto opened = open_client(options, role, own, silent); not opened) return std::move(opened).error();
  return {};
}

} // namespace

result<std::unique_ptr<cluster>> make_real_cluster(real_cluster_options options) {
  if (options.bootstrap.empty()) return error{"Kafka has no bootstrap address. Name at least one broker as host:port."};
  if (const auto* name = reserved_property(options.properties))
    return error{
        fmt::format("Kafka property {} cannot be set: the commit protocol needs its own value. Remove it.", *name)};
  if (auto tried = try_clients(options); not tried) return std::move(tried).error();
  return std::unique_ptr<cluster>(std::make_unique<real_cluster>(std::move(options)));
}

} // namespace fairuse::kafka
