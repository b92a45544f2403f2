// SPDX-License-Identifier: Apache-2.0

#include "streams/kafka/admin/topic_admin.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "streams/kafka/admin/admin_handles.hpp"
#include "streams/kafka/broker/client.hpp"

namespace fairuse::kafka {

namespace {

/// Keeps the connection's last error: "timed out" alone does not say that a password is wrong.
class last_error_keeper final : public listener {
public:
  using listener::listener;

  void on_log(int level, std::string_view, std::string_view text) override {
    constexpr int error_level = 3;
    if (level > error_level) return;
    const std::lock_guard lock{lock_};
    // "[thrd:sasl_ssl://host:port/bootstrap]: " is for librdkafka's authors.
    const auto start = text.find("]: ");
    last_ = text.substr(start == std::string_view::npos ? 0 : start + 3);
  }

  std::string last() const {
    const std::lock_guard lock{lock_};
    return last_;
  }

private:
  mutable std::mutex lock_;
  std::string last_;
};

template <class T>
std::vector<T*> pointers(const std::vector<admin_owned<T>>& owners) {
  std::vector<T*> all;
  for (const auto& each : owners)
    all.push_back(each.get());
  return all;
}

topic_config config_of(const rd_kafka_ConfigResource_t* resource) {
  topic_config config;
  std::size_t count = 0;
  const auto* const* entries = rd_kafka_ConfigResource_configs(resource, &count);
  for (std::size_t i = 0; i < count; ++i)
    if (const char* value = rd_kafka_ConfigEntry_value(entries[i]))
      config.emplace(rd_kafka_ConfigEntry_name(entries[i]), value);
  return config;
}

class real_topic_admin final : public topic_admin {
public:
  explicit real_topic_admin(real_cluster_options options) : options_{std::move(options)}, heard_{options_} {}

  /// Before any other call.
  result<void> open() {
    auto opened = open_client(options_, client_role::questions, {}, heard_);
    if (not opened) return std::move(opened).error();
    handle_ = std::move(*opened);
    queue_.reset(rd_kafka_queue_new(handle_.get()));
    return {};
  }

  call_result<topic_view> describe(std::span<const std::string> topics) override {
    const rd_kafka_metadata_t* raw = nullptr;
    const auto error = rd_kafka_metadata(handle_.get(), 1, nullptr, &raw, timeout_of(options_.call_timeout));
    const owned<const rd_kafka_metadata_t> all{raw};
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return unreachable(error);
    topic_view made{.brokers = all->broker_cnt};
    for (const auto& name : topics)
      made.topics.push_back(found_in(*all, name));
    if (topics.empty()) return made;
    if (auto read = read_configs(made.topics); not read) return std::move(read).error();
    return made;
  }

  call_result<std::vector<created_topic>> create(std::span<const wanted_topic> topics, std::int32_t partitions,
                                                 std::int32_t replicas) override {
    std::vector<admin_owned<rd_kafka_NewTopic_t>> asked;
    for (const auto& each : topics) {
      std::array<char, 512> text{};
      asked.emplace_back(rd_kafka_NewTopic_new(each.topic.c_str(), partitions, replicas, text.data(), text.size()));
      if (asked.back() == nullptr) return call_error{next_action::broken, "_INVALID_ARG", text.data()};
      for (const auto& [name, value] : each.config)
        rd_kafka_NewTopic_set_config(asked.back().get(), name.c_str(), value.c_str());
    }
    auto list = pointers(asked);
    const auto how = options_for(RD_KAFKA_ADMIN_OP_CREATETOPICS);
    std::array<char, 512> text{};
    // The brokers answer when every one of them has the topics.
    rd_kafka_AdminOptions_set_operation_timeout(how.get(), timeout_of(options_.call_timeout), text.data(), text.size());
    rd_kafka_CreateTopics(handle_.get(), list.data(), list.size(), how.get(), queue_.get());
    const auto event = wait_for(RD_KAFKA_EVENT_CREATETOPICS_RESULT);
    if (event == nullptr) return unreachable(RD_KAFKA_RESP_ERR__TIMED_OUT);
    if (const auto error = rd_kafka_event_error(event.get()); error != RD_KAFKA_RESP_ERR_NO_ERROR)
      return unreachable(error);
    std::size_t count = 0;
    const auto* const* results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
    std::vector<created_topic> all;
    for (std::size_t i = 0; i < count; ++i) {
      created_topic one{.topic = rd_kafka_topic_result_name(results[i]), .made = {}};
      const char* said = rd_kafka_topic_result_error_string(results[i]);
      if (const auto error = rd_kafka_topic_result_error(results[i]); error != RD_KAFKA_RESP_ERR_NO_ERROR)
        one.made = call_error{next_action::broken, rd_kafka_err2name(error), said == nullptr ? "" : said};
      all.push_back(std::move(one));
    }
    return all;
  }

private:
  static found_topic found_in(const rd_kafka_metadata_t& all, const std::string& name) {
    found_topic found{.topic = name};
    for (int i = 0; i < all.topic_cnt; ++i) {
      const auto& topic = all.topics[i];
      if (name != topic.topic or topic.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) continue;
      found.hidden = topic.err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
      found.exists = not found.hidden;
      found.partitions = topic.partition_cnt;
      for (int p = 0; p < topic.partition_cnt; ++p) {
        const auto copies = topic.partitions[p].replica_cnt;
        found.replicas = p == 0 ? copies : std::min(found.replicas, copies);
      }
    }
    return found;
  }

  call_result<> read_configs(std::vector<found_topic>& topics) {
    std::vector<admin_owned<rd_kafka_ConfigResource_t>> asked;
    for (const auto& each : topics)
      asked.emplace_back(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, each.topic.c_str()));
    auto list = pointers(asked);
    const auto how = options_for(RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_DescribeConfigs(handle_.get(), list.data(), list.size(), how.get(), queue_.get());
    const auto event = wait_for(RD_KAFKA_EVENT_DESCRIBECONFIGS_RESULT);
    if (event == nullptr) return unreachable(RD_KAFKA_RESP_ERR__TIMED_OUT);
    if (const auto error = rd_kafka_event_error(event.get()); error != RD_KAFKA_RESP_ERR_NO_ERROR)
      return unreachable(error);
    std::size_t count = 0;
    const auto* const* resources =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event.get()), &count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::string name = rd_kafka_ConfigResource_name(resources[i]);
      const auto error = rd_kafka_ConfigResource_error(resources[i]);
      for (auto& topic : topics) {
        if (topic.topic != name) continue;
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR) topic.config = config_of(resources[i]);
        // Metadata of all topics leaves out topics without rights; the answer to this request names them.
        if (error == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED and not topic.exists) topic.hidden = true;
      }
    }
    return {};
  }

  admin_owned<rd_kafka_AdminOptions_t> options_for(rd_kafka_admin_op_t what) {
    admin_owned<rd_kafka_AdminOptions_t> how{rd_kafka_AdminOptions_new(handle_.get(), what)};
    std::array<char, 512> text{};
    rd_kafka_AdminOptions_set_request_timeout(how.get(), 2 * timeout_of(options_.call_timeout), text.data(),
                                              text.size());
    return how;
  }

  admin_owned<rd_kafka_event_t> wait_for(rd_kafka_event_type_t type) {
    admin_owned<rd_kafka_event_t> event{rd_kafka_queue_poll(queue_.get(), 3 * timeout_of(options_.call_timeout))};
    if (event != nullptr and rd_kafka_event_type(event.get()) != type) event.reset();
    return event;
  }

  call_error unreachable(rd_kafka_resp_err_t error) const {
    const auto said = heard_.last();
    return {next_action::broken, rd_kafka_err2name(error),
            fmt::format("{} does not answer: {}", options_.bootstrap, said.empty() ? rd_kafka_err2str(error) : said)};
  }

  const real_cluster_options options_;
  last_error_keeper heard_;
  owned<rd_kafka_t> handle_;
  owned<rd_kafka_queue_t> queue_;
};

} // namespace

result<std::unique_ptr<topic_admin>> make_topic_admin(const real_cluster_options& options) {
  auto admin = std::make_unique<real_topic_admin>(options);
  if (auto opened = admin->open(); not opened) return std::move(opened).error();
  return std::unique_ptr<topic_admin>(std::move(admin));
}

} // namespace fairuse::kafka
