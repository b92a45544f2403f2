// SPDX-License-Identifier: Apache-2.0
//
// A transactional producer. Whether records arrived is known from their delivery reports alone: librdkafka's flush
// succeeds also when it has dropped every record of a fenced or timed-out producer.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <unordered_map>

#include <fmt/format.h>

#include "streams/kafka/broker/client.hpp"
#include "streams/kafka/broker/statistics.hpp"

namespace fairuse::kafka {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::int64_t records_between_polls = 4'096;
constexpr milliseconds nap{20};

// One topic that is written, and how far its records were delivered in this transaction.
struct written_topic {
  std::string name;
  owned<rd_kafka_topic_t> handle;
  /// By partition; -1: nothing.
  std::vector<std::int64_t> next;
};

class real_producer final : public transactional_producer, private listener {
public:
  real_producer(const real_cluster_options& options, const std::string& transactional_id)
    : listener{options}, call_timeout_{options.call_timeout}, transaction_timeout_{options.transaction_timeout} {
    const properties own{{"transactional.id", transactional_id}};
    auto opened = open_client(options, client_role::producer, own, *this);
    if (opened)
      handle_ = std::move(*opened);
    else
      unopened_ = unopened(opened.error());
  }

  ~real_producer() override {
    last_ = nullptr;
    topics_.clear();
  }

  void bound_calls(milliseconds most) override { bound_ = most; }

  call_result<> prepare(std::span<const std::string> topics) override {
    if (handle_ == nullptr) return unopened_;
    const auto until = clock::now() + call_timeout_;
    while (not initialised_) {
      const auto left = std::chrono::ceil<milliseconds>(until - clock::now());
      auto result =
          result_of(owned<rd_kafka_error_t>{rd_kafka_init_transactions(handle_.get(), timeout_of(std::max(left, nap)))},
                    "The producer cannot start");
      rd_kafka_poll(handle_.get(), 0);
      if (not result and result.error().next != next_action::again) return result;
      initialised_ = result.has_value();
      if (not initialised_ and clock::now() >= until) return result;
    }
    for (const auto& topic : topics)
      if (auto result = learn(topic); not result) return result;
    return {};
  }

  call_result<> begin() override {
    if (handle_ == nullptr) return unopened_;
    rd_kafka_poll(handle_.get(), 0);
    for (auto& [name, topic] : topics_)
      std::ranges::fill(topic.next, -1);
    produced_ = 0;
    reported_ = 0;
    failed_ = 0;
    first_failure_ = RD_KAFKA_RESP_ERR_NO_ERROR;
    had_errors_ = false;
    repeated_at_begin_ = repeated_;
    return result_of(owned<rd_kafka_error_t>{rd_kafka_begin_transaction(handle_.get())},
                     "The transaction cannot begin");
  }

  void produce(const std::string& topic, std::int32_t partition, std::optional<std::string_view> key,
               std::optional<std::string_view> value, std::span<const header> headers) override {
    auto& to = topic_named(topic);
    if (produced_ % records_between_polls == records_between_polls - 1) rd_kafka_poll(handle_.get(), 0);
    while (true) {
      const auto error = enqueue(to, partition, key, value, headers);
      if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
        ++produced_;
        return;
      }
      if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        refused(error);
        return;
      }
      rd_kafka_poll(handle_.get(), timeout_of(nap));
    }
  }

  call_result<> flush() override {
    // Every record has its report within message.timeout.ms, which follows the transaction's time-out.
    const auto until = clock::now() + 2 * transaction_timeout_;
    const auto turn_until = bound_ ? clock::now() + *bound_ : clock::time_point::max();
    while (reported_ < produced_) {
      if (clock::now() >= turn_until)
        return call_error{
            next_action::again, "_TIMED_OUT",
            fmt::format("{} of {} records have no delivery report yet", produced_ - reported_, produced_)};
      const auto error = rd_kafka_flush(handle_.get(), timeout_of(nap));
      if (reported_ == produced_) break;
      if (auto fatal = fatal_result(handle_.get()); not fatal) return fatal;
      if (error == RD_KAFKA_RESP_ERR_NO_ERROR and rd_kafka_poll(handle_.get(), timeout_of(nap)) == 0) ++silent_;
      if (silent_ > silence_max or clock::now() >= until) {
        silent_ = 0;
        return call_error{next_action::broken, "_TIMED_OUT",
                          fmt::format("{} of {} records have no delivery report", produced_ - reported_, produced_)};
      }
    }
    silent_ = 0;
    if (failed_ == 0) return {};
    if (auto fatal = fatal_result(handle_.get()); not fatal) return fatal;
    return call_error{next_action::abort, rd_kafka_err2name(first_failure_),
                      fmt::format("{} records were not delivered: {}", failed_, rd_kafka_err2str(first_failure_))};
  }

  std::int64_t delivered_next(const topic_partition& of) const override {
    const auto found = topics_.find(of.topic);
    if (found == topics_.end()) return -1;
    const auto index = static_cast<std::size_t>(of.partition);
    return index < found->second.next.size() ? found->second.next[index] : -1;
  }

  call_result<> send_offsets(std::span<const committed_offset> offsets, group_consumer& as) override {
    owned<rd_kafka_topic_partition_list_t> list{rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size()))};
    for (const auto& [of, offset, metadata] : offsets) {
      auto* one = rd_kafka_topic_partition_list_add(list.get(), of.topic.c_str(), of.partition);
      one->offset = offset;
      // librdkafka frees it with free().
      one->metadata = std::malloc(std::max<std::size_t>(metadata.size(), 1));
      std::memcpy(one->metadata, metadata.data(), metadata.size());
      one->metadata_size = metadata.size();
    }
    auto* member = dynamic_cast<member_client*>(&as);
    if (member == nullptr)
      return call_error{next_action::broken, "_INVALID_ARG", "Offsets are sent for a member of another cluster"};
    const auto group = member->identity();
    if (group == nullptr) return call_error{next_action::abort, "_UNKNOWN_GROUP", "The member belongs to no group"};
    return result_of(
        owned<rd_kafka_error_t>{rd_kafka_send_offsets_to_transaction(handle_.get(), list.get(), group.get(), -1)},
        "The offsets were not taken into the transaction");
  }

  call_result<> commit() override {
    auto result = result_of(
        owned<rd_kafka_error_t>{rd_kafka_commit_transaction(handle_.get(), bound_ ? timeout_of(*bound_) : -1)},
        "The transaction was not committed");
    rd_kafka_poll(handle_.get(), 0);
    return result;
  }

  call_result<> abort() override {
    auto result = result_of(owned<rd_kafka_error_t>{rd_kafka_abort_transaction(handle_.get(), -1)},
                            "The transaction was not aborted");
    rd_kafka_poll(handle_.get(), 0);
    // The start of the next producer ends what this one left open.
    if (not result) result.error().next = next_action::broken;
    return result;
  }

  bool had_errors() const override {
    if (handle_ == nullptr) return true;
    rd_kafka_poll(handle_.get(), 0);
    return had_errors_ or repeated_ > repeated_at_begin_;
  }

private:
  static constexpr int silence_max = 50;

  std::optional<milliseconds> bound_;

  written_topic& topic_named(const std::string& name) {
    if (last_ != nullptr and last_->name == name) return *last_;
    auto [found, fresh] = topics_.try_emplace(name);
    last_ = &found->second;
    if (fresh) {
      last_->name = name;
      auto* conf = rd_kafka_default_topic_conf_dup(handle_.get());
      rd_kafka_topic_conf_set_opaque(conf, last_);
      last_->handle.reset(rd_kafka_topic_new(handle_.get(), name.c_str(), conf));
    }
    return *last_;
  }

  // Without it the first record waits a second for the metadata timer.
  call_result<> learn(const std::string& name) {
    auto& topic = topic_named(name);
    const rd_kafka_metadata_t* raw = nullptr;
    const auto error = rd_kafka_metadata(handle_.get(), 0, topic.handle.get(), &raw, timeout_of(call_timeout_));
    const owned<const rd_kafka_metadata_t> found{raw};
    const auto said = "Topic " + name + " cannot be written";
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return result_of(error, said);
    if (found->topic_cnt != 1)
      return call_error{next_action::broken, "UNKNOWN_TOPIC_OR_PART", said + ": there is none"};
    if (found->topics[0].err != RD_KAFKA_RESP_ERR_NO_ERROR) return result_of(found->topics[0].err, said);
    topic.next.assign(static_cast<std::size_t>(found->topics[0].partition_cnt), -1);
    return {};
  }

  rd_kafka_resp_err_t enqueue(written_topic& to, std::int32_t partition, std::optional<std::string_view> key,
                              std::optional<std::string_view> value, std::span<const header> headers) {
    if (not headers.empty()) return enqueue_with_headers(to, partition, key, value, headers);
    // librdkafka only copies from it.
    auto* bytes = value ? const_cast<char*>(value->data()) : nullptr;
    const int result =
        rd_kafka_produce(to.handle.get(), partition, RD_KAFKA_MSG_F_COPY, bytes, value ? value->size() : 0,
                         key ? key->data() : nullptr, key ? key->size() : 0, nullptr);
    return result == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_last_error();
  }

  rd_kafka_resp_err_t enqueue_with_headers(written_topic& to, std::int32_t partition,
                                           std::optional<std::string_view> key, std::optional<std::string_view> value,
                                           std::span<const header> headers) {
    auto* list = rd_kafka_headers_new(headers.size());
    for (const auto& [name, content] : headers)
      rd_kafka_header_add(list, name.data(), static_cast<ssize_t>(name.size()), content ? content->data() : nullptr,
                          content ? static_cast<ssize_t>(content->size()) : 0);
    std::array<rd_kafka_vu_t, 6> all{};
    all[0].vtype = RD_KAFKA_VTYPE_RKT;
    all[0].u.rkt = to.handle.get();
    all[1].vtype = RD_KAFKA_VTYPE_PARTITION;
    all[1].u.i32 = partition;
    all[2].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
    all[2].u.i = RD_KAFKA_MSG_F_COPY;
    all[3].vtype = RD_KAFKA_VTYPE_KEY;
    all[3].u.mem.ptr = key ? const_cast<char*>(key->data()) : nullptr;
    all[3].u.mem.size = key ? key->size() : 0;
    all[4].vtype = RD_KAFKA_VTYPE_VALUE;
    all[4].u.mem.ptr = value ? const_cast<char*>(value->data()) : nullptr;
    all[4].u.mem.size = value ? value->size() : 0;
    all[5].vtype = RD_KAFKA_VTYPE_HEADERS;
    all[5].u.headers = list;
    const owned<rd_kafka_error_t> error{rd_kafka_produceva(handle_.get(), all.data(), all.size())};
    if (error == nullptr) return RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_headers_destroy(list); // taken over only by a record that was accepted
    return rd_kafka_error_code(error.get());
  }

  void refused(rd_kafka_resp_err_t error) {
    if (failed_++ == 0) first_failure_ = error;
  }

  void on_delivery(const rd_kafka_message_t& message) override {
    ++reported_;
    if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      refused(message.err);
      return;
    }
    auto& next = static_cast<written_topic*>(rd_kafka_topic_opaque(message.rkt))->next;
    const auto index = static_cast<std::size_t>(message.partition);
    if (index >= next.size()) next.resize(index + 1, -1);
    next[index] = std::max(next[index], message.offset + 1);
  }

  void on_error(rd_kafka_resp_err_t error, std::string_view reason) override {
    if (error == RD_KAFKA_RESP_ERR__TRANSPORT or error == RD_KAFKA_RESP_ERR__TIMED_OUT
        or error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
      had_errors_ = true;
    listener::on_error(error, reason);
  }

  void on_log(int level, std::string_view facility, std::string_view text) override {
    // librdkafka logs a timed-out request at once, on its own thread; the statistics have it later.
    if (facility == "REQTMOUT") had_errors_ = true;
    listener::on_log(level, facility, text);
  }

  void on_statistics(std::string_view json) override { repeated_ = std::max(repeated_, repeated_requests(json)); }

  milliseconds call_timeout_;
  milliseconds transaction_timeout_;
  /// Why there is no handle.
  call_result<> unopened_;
  bool initialised_ = false;
  std::int64_t produced_ = 0;
  std::int64_t reported_ = 0;
  std::int64_t failed_ = 0;
  int silent_ = 0;
  rd_kafka_resp_err_t first_failure_ = RD_KAFKA_RESP_ERR_NO_ERROR;
  std::atomic<bool> had_errors_ = false;
  std::int64_t repeated_ = 0;
  std::int64_t repeated_at_begin_ = 0;
  owned<rd_kafka_t> handle_;
  // References to its values stay valid, also for the delivery reports.
  std::unordered_map<std::string, written_topic> topics_;
  written_topic* last_ = nullptr;
};

} // namespace

std::unique_ptr<transactional_producer> make_real_producer(const real_cluster_options& options,
                                                           const std::string& transactional_id) {
  return std::make_unique<real_producer>(options, transactional_id);
}

} // namespace fairuse::kafka
