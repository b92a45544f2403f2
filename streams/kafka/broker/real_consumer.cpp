// SPDX-License-Identifier: Apache-2.0
//
// A static member of a group. The rebalance callback only notes what happened; poll() tells the membership and answers
// the group after the fetch call has returned, so no record of an assignment that is over is handed out.
//
// A new assignment is answered at once with an empty one. The rebalance is over then, heartbeats go on for as long as
// restoring takes, and fetch() assigns the partitions with explicit offsets when their state is ready.

#include <algorithm>

#include <fmt/format.h>

#include "streams/kafka/broker/client.hpp"
#include "streams/kafka/broker/fetcher.hpp"
#include "streams/kafka/broker/statistics.hpp"

namespace fairuse::kafka {

namespace {

// librdkafka asks again by itself while an open transaction holds offsets back, but the caller must poll its group.
constexpr milliseconds patience{500};

class real_consumer final : public member_client, private listener, private fetcher::problems {
public:
  real_consumer(const real_cluster_options& options, const member& who, membership& told)
    : listener{options}, call_timeout_{options.call_timeout}, told_{told} {
    properties own{{"group.id", who.group}};
    if (not who.instance.empty()) own.emplace_back("group.instance.id", who.instance);
    auto opened = open_client(options, client_role::member, own, *this);
    if (not opened) {
      stuck_ = unopened(opened.error());
      return;
    }
    handle_ = std::move(*opened);
    fetcher_ = fetcher{handle_.get(), *this};
    owned<rd_kafka_topic_partition_list_t> topics{
        rd_kafka_topic_partition_list_new(static_cast<int>(who.topics.size()))};
    for (const auto& topic : who.topics)
      rd_kafka_topic_partition_list_add(topics.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
    const auto error = rd_kafka_subscribe(handle_.get(), topics.get());
    stuck_ = result_of(error, "Kafka refuses the subscription");
  }

  ~real_consumer() override { close(); }

  std::shared_ptr<rd_kafka_consumer_group_metadata_t> identity() const override {
    if (handle_ == nullptr or closed_) return identity_;
    return {rd_kafka_consumer_group_metadata(handle_.get()), [](auto* it) {
              if (it != nullptr) rd_kafka_consumer_group_metadata_destroy(it);
            }};
  }

  std::unique_ptr<record_batch> poll(milliseconds wait) override {
    if (handle_ == nullptr or closed_) return nullptr;
    auto batch = waiting_ == change::none ? fetcher_.take(wait) : nullptr;
    if (waiting_ == change::none) return batch;
    // Range gives and takes all partitions together, so none of the batch is assigned any more.
    batch.reset();
    confirm_assignment();
    return nullptr;
  }

  call_result<> fetch(std::span<const position> from) override {
    if (handle_ == nullptr) return stuck_;
    stuck_ = {};
    return fetcher_.start(from);
  }

  call_result<std::vector<committed_offset>> committed(std::span<const topic_partition> partitions) override {
    if (handle_ == nullptr) return stuck_.error();
    owned<rd_kafka_topic_partition_list_t> list{rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size()))};
    for (const auto& each : partitions)
      rd_kafka_topic_partition_list_add(list.get(), each.topic.c_str(), each.partition);
    const auto error = rd_kafka_committed(handle_.get(), list.get(), timeout_of(std::min(call_timeout_, patience)));
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return error_of(error, "The group's offsets cannot be read");
    std::vector<committed_offset> all;
    for (int i = 0; i < list->cnt; ++i) {
      const auto& one = list->elems[i];
      if (one.err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return error_of(one.err, "The group's offset of " + place_of(one.topic, one.partition) + " cannot be read");
      committed_offset found{{one.topic, one.partition}, one.offset < 0 ? -1 : one.offset, {}};
      if (one.metadata != nullptr) found.metadata.assign(static_cast<const char*>(one.metadata), one.metadata_size);
      all.push_back(std::move(found));
    }
    return all;
  }

  std::int64_t last_stable(const topic_partition& of) const override {
    const auto* found = fetcher_.find(of);
    return found == nullptr ? -1 : found->stable;
  }

  bool assignment_lost() const override { return handle_ != nullptr and rd_kafka_assignment_lost(handle_.get()) == 1; }

  call_result<> failure() const override {
    if (handle_ != nullptr)
      if (auto fatal = fatal_result(handle_.get()); not fatal) return fatal;
    return stuck_;
  }

  void close() override {
    if (handle_ == nullptr or closed_) return;
    identity_ = identity();
    closed_ = true;
    fetcher_.forget();
    if (waiting_ != change::none) rd_kafka_assign(handle_.get(), nullptr);
    waiting_ = change::none;
    rd_kafka_consumer_close(handle_.get());
  }

private:
  enum class change : std::uint8_t { none, assigned, revoked };

  void on_rebalance(rd_kafka_resp_err_t what, const rd_kafka_topic_partition_list_t* parts) override {
    if (closed_) {
      rd_kafka_assign(handle_.get(), nullptr);
      return;
    }
    given_.clear();
    if (what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
      waiting_ = change::assigned;
      for (int i = 0; i < parts->cnt; ++i)
        given_.push_back({parts->elems[i].topic, parts->elems[i].partition});
    } else {
      waiting_ = change::revoked;
    }
    rd_kafka_yield(handle_.get());
  }

  void confirm_assignment() {
    if (waiting_ == change::assigned) {
      // Answer the group before telling the membership, which may call fetch() at once.
      const owned<rd_kafka_topic_partition_list_t> nothing{rd_kafka_topic_partition_list_new(0)};
      rd_kafka_assign(handle_.get(), nothing.get());
      waiting_ = change::none;
      told_.assigned(given_);
      return;
    }
    fetcher_.forget();
    told_.revoked(assignment_lost());
    waiting_ = change::none;
    rd_kafka_assign(handle_.get(), nullptr);
  }

  void on_statistics(std::string_view json) override {
    each_stable_offset(json, [this](std::string_view topic, std::int32_t partition, std::int64_t offset) {
      if (auto* found = fetcher_.find(topic, partition)) found->stable = offset;
    });
  }

  void cannot_fetch(const rd_kafka_message_t& error) override {
    const std::string place =
        error.rkt == nullptr ? "group" : place_of(rd_kafka_topic_name(error.rkt), error.partition);
    auto text = fmt::format("{}: {}", place, rd_kafka_message_errstr(&error));
    log(log_level::error, text);
    // The records are deleted, and librdkafka has stopped this partition.
    if (error.err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
      stuck_ = call_error{next_action::broken, "OFFSET_OUT_OF_RANGE", std::move(text)};
  }

  bool is_over() const override { return waiting_ != change::none; }

  milliseconds call_timeout_;
  membership& told_;
  owned<rd_kafka_t> handle_;
  fetcher fetcher_;
  change waiting_ = change::none;
  std::vector<topic_partition> given_;
  /// From close() on.
  std::shared_ptr<rd_kafka_consumer_group_metadata_t> identity_;
  /// An error if there is no handle.
  call_result<> stuck_;
  bool closed_ = false;
};

} // namespace

std::unique_ptr<group_consumer> make_real_consumer(const real_cluster_options& options, const member& who,
                                                   membership& told) {
  return std::make_unique<real_consumer>(options, who, told);
}

} // namespace fairuse::kafka
