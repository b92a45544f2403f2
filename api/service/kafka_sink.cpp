// SPDX-License-Identifier: Apache-2.0

#include "api/service/kafka_sink.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "engine/clocks.hpp"

namespace fairuse {

namespace {

constexpr std::size_t sink_bytes_max = std::size_t{8} << 20;
constexpr std::chrono::milliseconds sink_pause{100};

std::size_t bytes_of(const std::vector<incoming_event>& events) {
  std::size_t all = 0;
  for (const auto& each : events)
    all += each.line.size();
  return all;
}

} // namespace

kafka_sink::kafka_sink(kafka_sink_options options, kafka::cluster& brokers)
  : options_{std::move(options)}, brokers_{brokers}, thread_{[this] { write_all(); }} {}

kafka_sink::~kafka_sink() {
  {
    const std::lock_guard guard{mutex_};
    stops_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

bool kafka_sink::put(std::vector<incoming_event> events, std::string traceparent, take_result told) {
  {
    const std::lock_guard guard{mutex_};
    const auto bytes = bytes_of(events);
    if (stops_ or waiting_bytes_ + bytes > sink_bytes_max) return false;
    waiting_bytes_ += bytes;
    next_.push_back({std::move(events), std::move(traceparent), std::move(told), steady_clock_ms()});
  }
  changed_.notify_all();
  return true;
}

void kafka_sink::write_all() {
  std::unique_lock guard{mutex_};
  for (;;) {
    changed_.wait(guard, [this] { return stops_ or not next_.empty(); });
    if (next_.empty()) return;
    auto now = std::exchange(next_, {});
    waiting_bytes_ = 0;
    guard.unlock();
    write(std::move(now));
    guard.lock();
  }
}

// Until it is committed or the oldest has waited too long.
void kafka_sink::write(std::vector<delivery> what) {
  const auto until = what.front().since + options_.give_up_after_ms;
  kafka::call_result<> done;
  for (bool is_first = true;; is_first = false) {
    done = write_once(what);
    if (done) break;
    if (is_first)
      options_.log(log_level::warning,
                   fmt::format("events of the API are not written yet: {} ({})", done.error().text, done.error().code));
    if (asks_for(done, kafka::next_action::broken)) producer_.reset();
    std::unique_lock guard{mutex_};
    if (steady_clock_ms() >= until or changed_.wait_for(guard, sink_pause, [this] { return stops_; })) break;
  }
  const result<void> told = done ? result<void>{} : result<void>{error{done.error().text}};
  for (const auto& each : what)
    each.told(told);
}

kafka::call_result<> kafka_sink::write_once(const std::vector<delivery>& what) {
  const auto until = steady_clock_ms() + options_.give_up_after_ms;
  if (producer_ == nullptr)
    if (auto ready = settle([this] { return prepare(); }, until); not ready) {
      producer_.reset();
      return ready;
    }
  if (auto begun = producer_->begin(); not begun) return begun;
  for (const auto& each : what) {
    const std::array<kafka::header, 2> headers{
        {{"content-type", "application/cloudevents+json"}, {"traceparent", each.traceparent}}};
    for (const auto& event : each.events)
      producer_->produce(options_.topic, options_.partition_of(event.uid, partitions_), event.uid, event.line, headers);
  }
  auto done = settle([this] { return producer_->flush(); }, until);
  if (done) done = settle([this] { return producer_->commit(); }, until);
  if (done) {
    // A late request may still be under way.
    if (producer_->had_errors()) producer_.reset();
    return done;
  }
  if (asks_for(done, kafka::next_action::broken) or not producer_->abort()) producer_.reset();
  return done;
}

kafka::call_result<> kafka_sink::prepare() {
  const std::vector<std::string> topics{options_.topic};
  const auto counts = brokers_.partition_counts(topics);
  if (not counts) return counts.error();
  if (counts->front() == 0)
    return kafka::call_error{kafka::next_action::broken, "UNKNOWN_TOPIC_OR_PART",
                             fmt::format("there is no topic {}", options_.topic)};
  partitions_ = counts->front();
  if (producer_ == nullptr) producer_ = brokers_.make_producer(options_.transactional_id);
  return producer_->prepare(topics);
}

// The same call again while nothing has happened yet.
kafka::call_result<> kafka_sink::settle(const std::function<kafka::call_result<>()>& call, std::int64_t until) {
  for (;;) {
    auto seen = call();
    if (not asks_for(seen, kafka::next_action::again)) return seen;
    if (steady_clock_ms() >= until)
      return kafka::call_error{kafka::next_action::broken, "_TIMED_OUT", seen.error().text};
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
}

} // namespace fairuse
