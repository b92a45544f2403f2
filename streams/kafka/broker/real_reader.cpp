// SPDX-License-Identifier: Apache-2.0
//
// Reads partitions that it assigned to itself. librdkafka wants a group id for that, which is never used at a broker.

#include <algorithm>

#include <fmt/format.h>

#include "streams/kafka/broker/client.hpp"
#include "streams/kafka/broker/fetcher.hpp"

namespace fairuse::kafka {

namespace {

class real_reader final : public reader, private listener, private fetcher::problems {
public:
  real_reader(const real_cluster_options& options, isolation how) : listener{options} {
    const properties own{{"group.id", options.client_id}, {"isolation.level", name_of(how)}};
    auto opened = open_client(options, client_role::reader, own, *this);
    if (not opened) {
      stuck_ = unopened(opened.error());
      return;
    }
    handle_ = std::move(*opened);
    fetcher_ = fetcher{handle_.get(), *this};
  }

  ~real_reader() override {
    if (handle_ == nullptr) return;
    rd_kafka_assign(handle_.get(), nullptr);
    rd_kafka_consumer_close(handle_.get());
  }

  call_result<> start(std::span<const position> from) override {
    if (handle_ == nullptr) return stuck_;
    stuck_ = {};
    return fetcher_.start(from);
  }

  std::unique_ptr<record_batch> poll(milliseconds wait) override {
    return handle_ == nullptr ? nullptr : fetcher_.take(wait);
  }

  std::int64_t position_of(const topic_partition& of) const override {
    const auto* found = fetcher_.find(of);
    return found == nullptr ? -1 : found->next;
  }

  call_result<> failure() const override { return stuck_; }

private:
  void cannot_fetch(const rd_kafka_message_t& error) override {
    if (error.rkt == nullptr) {
      log(log_level::warning, fmt::format("kafka reader: {}", rd_kafka_message_errstr(&error)));
      return;
    }
    const std::string_view topic = rd_kafka_topic_name(error.rkt);
    // The place of the end event is right in every version; rd_kafka_position() is one too large behind it since 2.2
    // (librdkafka's issue 4844).
    if (error.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      auto* found = fetcher_.find(topic, error.partition);
      if (found != nullptr) found->next = std::max(found->next, error.offset);
      return;
    }
    auto text = fmt::format("{}: {}", place_of(topic, error.partition), rd_kafka_message_errstr(&error));
    log(log_level::error, text);
    if (error.err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
      stuck_ = call_error{next_action::broken, "OFFSET_OUT_OF_RANGE", std::move(text)};
    else if (not is_transient(error.err))
      stuck_ = call_error{next_action::broken, rd_kafka_err2name(error.err), std::move(text)};
  }

  bool is_over() const override { return false; }

  owned<rd_kafka_t> handle_;
  fetcher fetcher_;
  call_result<> stuck_;
};

} // namespace

std::unique_ptr<reader> make_real_reader(const real_cluster_options& options, isolation how) {
  return std::make_unique<real_reader>(options, how);
}

} // namespace fairuse::kafka
