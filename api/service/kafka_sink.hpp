// SPDX-License-Identifier: Apache-2.0
//
// Kafka mode: events become records of the input topic, in transactions of this instance's own: what came while one was
// committed is in the next. Where it is not known whether a transaction went through, its events are sent again: the
// engine takes each once.
// Threads: put() from any; one of its own writes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "api/service/event_sink.hpp"
#include "base/pure/log_level.hpp"
#include "streams/kafka/broker/cluster.hpp"
#include "streams/kafka/worker/engine_rules.hpp"

namespace fairuse {

struct kafka_sink_options {
  std::string topic;
  /// Of this instance alone.
  std::string transactional_id;
  kafka::partition_function partition_of = nullptr;
  /// From put() to the answer; then the sender has to try again.
  std::int64_t give_up_after_ms = 10'000;
  /// From any thread.
  std::function<void(log_level, const std::string&)> log;
};

class kafka_sink final : public event_sink {
public:
  /// REQUIRES: the brokers outlive it.
  kafka_sink(kafka_sink_options options, kafka::cluster& brokers);
  /// What waits is told that it was not written.
  ~kafka_sink() override;

  bool put(std::vector<incoming_event> events, std::string traceparent, take_result told) override;

private:
  struct delivery {
    std::vector<incoming_event> events;
    std::string traceparent;
    take_result told;
    std::int64_t since = 0;
  };

  void write_all();
  void write(std::vector<delivery> what);
  void write_apart(std::vector<delivery> what);
  kafka::call_result<> write_once(const std::vector<delivery>& what, std::int64_t until);
  kafka::call_result<> prepare();
  bool is_stopping();
  kafka::call_result<> settle(const std::function<kafka::call_result<>()>& call, std::int64_t until);

  const kafka_sink_options options_;
  kafka::cluster& brokers_;
  std::unique_ptr<kafka::transactional_producer> producer_;
  std::int32_t partitions_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<delivery> next_;
  std::size_t waiting_bytes_ = 0;
  bool stops_ = false;
  std::thread thread_;
};

} // namespace fairuse
