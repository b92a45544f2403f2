// SPDX-License-Identifier: Apache-2.0

#include "streams/kafka/broker/fetcher.hpp"

#include <algorithm>
#include <chrono>

namespace fairuse::kafka {

namespace {

constexpr std::size_t batch_records = 2'000;
// A rebalance that arrives while nothing is fetched is seen after at most this long.
constexpr milliseconds longest_nap{10};

std::string_view bytes_of(const void* at, std::size_t length) { return {static_cast<const char*>(at), length}; }

class message_batch final : public record_batch {
public:
  explicit message_batch(std::size_t count) {
    records_.reserve(count);
    messages_.reserve(count);
  }
  message_batch(const message_batch&) = delete;
  message_batch& operator=(const message_batch&) = delete;
  ~message_batch() override {
    for (auto* message : messages_)
      rd_kafka_message_destroy(message);
  }

  void add(rd_kafka_message_t* message, std::string_view topic) {
    record one;
    one.topic = topic;
    one.partition = message->partition;
    one.offset = message->offset;
    rd_kafka_timestamp_type_t kind{};
    one.timestamp = rd_kafka_message_timestamp(message, &kind);
    if (message->key != nullptr) one.key = bytes_of(message->key, message->key_len);
    if (message->payload != nullptr) one.value = bytes_of(message->payload, message->len);
    records_.push_back(one);
    messages_.push_back(message);
  }

  bool empty() const { return messages_.empty(); }

  std::vector<header> headers(std::size_t i) const override {
    std::vector<header> all;
    rd_kafka_headers_t* raw = nullptr;
    if (rd_kafka_message_headers(messages_[i], &raw) != RD_KAFKA_RESP_ERR_NO_ERROR) return all;
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t length = 0;
    for (std::size_t n = 0; rd_kafka_header_get_all(raw, n, &name, &value, &length) == RD_KAFKA_RESP_ERR_NO_ERROR; ++n)
      all.push_back({name, value == nullptr ? std::nullopt : std::optional{bytes_of(value, length)}});
    return all;
  }

private:
  std::vector<rd_kafka_message_t*> messages_;
};

} // namespace

fetcher::fetcher(rd_kafka_t* handle, problems& told)
  : handle_{handle}, told_{&told}, queue_{rd_kafka_queue_get_consumer(handle)}, raw_(batch_records) {}

call_result<> fetcher::start(std::span<const position> from) {
  assigned_.clear();
  // Nothing is assigned while the queue is emptied, so all records in it are old. An empty list, because NULL would
  // answer a rebalance of which the member was not told yet.
  const auto nothing = list_of({});
  auto error = rd_kafka_assign(handle_, nothing.get());
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
    drain();
    const auto list = list_of(from);
    error = rd_kafka_assign(handle_, list.get());
  }
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return result_of(error, "Kafka does not start to fetch");
  for (const auto& place : from)
    assigned_.push_back({place.of, place.offset, -1});
  return {};
}

void fetcher::forget() { assigned_.clear(); }

void fetcher::drain() {
  while (const auto count = rd_kafka_consume_batch_queue(queue_.get(), 0, raw_.data(), raw_.size())) {
    if (count < 0) return;
    std::for_each_n(raw_.begin(), count, rd_kafka_message_destroy);
  }
}

// The call for many waits its whole time unless the batch is full; the one for a single record returns with it.
std::size_t fetcher::fill(milliseconds wait) {
  using clock = std::chrono::steady_clock;
  const auto until = clock::now() + wait;
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(until - clock::now());
    const auto nap = std::clamp(left, milliseconds{0}, longest_nap);
    auto count = rd_kafka_consume_batch_queue(queue_.get(), timeout_of(nap), raw_.data(), 1);
    if (count == 1) {
      const auto more = rd_kafka_consume_batch_queue(queue_.get(), 0, raw_.data() + 1, raw_.size() - 1);
      return static_cast<std::size_t>(count + std::max<ssize_t>(more, 0));
    }
    if (left <= nap or told_->is_over()) return 0;
  }
}

std::unique_ptr<record_batch> fetcher::take(milliseconds wait) {
  const auto count = fill(wait);
  return count == 0 ? nullptr : sort_out(std::span{raw_}.first(count));
}

std::unique_ptr<record_batch> fetcher::sort_out(std::span<rd_kafka_message_t*> taken) {
  auto batch = std::make_unique<message_batch>(taken.size());
  const bool over = told_->is_over();
  const rd_kafka_topic_t* topic = nullptr;
  std::int32_t partition = -1;
  assigned_partition* to = nullptr;
  std::string_view name;
  for (auto* message : taken) {
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      told_->cannot_fetch(*message);
      rd_kafka_message_destroy(message);
      continue;
    }
    if (message->rkt != topic or message->partition != partition) {
      if (message->rkt != topic) name = rd_kafka_topic_name(message->rkt);
      topic = message->rkt;
      partition = message->partition;
      to = over ? nullptr : find(name, partition);
    }
    if (to == nullptr or message->offset < to->next) {
      // `topic` must not point into the batch that is destroyed here.
      topic = nullptr;
      rd_kafka_message_destroy(message);
      continue;
    }
    to->next = message->offset + 1;
    batch->add(message, name);
  }
  if (batch->empty()) return nullptr;
  return batch;
}

fetcher::assigned_partition* fetcher::find(std::string_view topic, std::int32_t partition) {
  const auto found = std::ranges::find_if(
      assigned_, [&](const assigned_partition& l) { return l.of.partition == partition and l.of.topic == topic; });
  return found == assigned_.end() ? nullptr : &*found;
}

const fetcher::assigned_partition* fetcher::find(const topic_partition& of) const {
  const auto found = std::ranges::find(assigned_, of, &assigned_partition::of);
  return found == assigned_.end() ? nullptr : &*found;
}

} // namespace fairuse::kafka
