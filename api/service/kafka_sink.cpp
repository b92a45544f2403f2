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
/// Of one call to the producer: in between the time of the events is looked at.
constexpr kafka::milliseconds call_turn{500};
/// A record that the topic does not take, in the words of the broker.
constexpr std::string_view too_large = "MSG_SIZE_TOO_LARGE";

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
    done = write_once(what, until);
    if (done or done.error().code == too_large) break;
    if (is_first)
      options_.log(log_level::warning,
                   fmt::format("events of the API are not written yet: {} ({})", done.error().text, done.error().code));
    std::unique_lock guard{mutex_};
    if (steady_clock_ms() >= until or changed_.wait_for(guard, sink_pause, [this] { return stops_; })) break;
  }
  if (not done and done.error().code == too_large and what.size() > 1) return write_apart(std::move(what));
  const auto told = done ? result<void, unwritten>{}
                         : result<void, unwritten>{unwritten{done.error().text, done.error().code == too_large}};
  for (const auto& each : what)
    each.told(told);
}

// Nobody waits for what another one sent, which will never be written.
void kafka_sink::write_apart(std::vector<delivery> what) {
  for (auto& each : what) {
    each.since = steady_clock_ms();
    std::vector<delivery> one;
    one.push_back(std::move(each));
    write(std::move(one));
  }
}

kafka::call_result<> kafka_sink::write_once(const std::vector<delivery>& what, std::int64_t until) {
  if (producer_ == nullptr)
    if (auto ready = settle([this] { return prepare(); }, until); not ready) {
      producer_.reset();
      return ready;
    }
  if (auto begun = producer_->begin(); not begun) {
    producer_.reset();
    return begun;
  }
  for (const auto& each : what) {
    const std::array<kafka::header, 2> headers{
        {{"content-type", "application/cloudevents+json"}, {"traceparent", each.traceparent}}};
    for (const auto& event : each.events)
      producer_->produce(options_.topic, options_.partition_of(event.uid, partitions_), event.uid, event.line, headers);
  }
  auto done = settle([this] { return producer_->flush(); }, until);
  if (done) done = settle([this] { return producer_->commit(); }, until);
  // The next one of the same id ends what this one left open: an abort would wait for a broker that does not answer.
  // And a late request may still be under way.
  if (not done or producer_->had_errors()) producer_.reset();
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
  if (producer_ == nullptr) {
    producer_ = brokers_.make_producer(options_.transactional_id);
    producer_->bound_calls(call_turn);
  }
  return producer_->prepare(topics);
}

bool kafka_sink::is_stopping() {
  const std::lock_guard guard{mutex_};
  return stops_;
}

// The same call again while nothing has happened yet.
kafka::call_result<> kafka_sink::settle(const std::function<kafka::call_result<>()>& call, std::int64_t until) {
  for (;;) {
    auto seen = call();
    if (not asks_for(seen, kafka::next_action::again)) return seen;
    if (steady_clock_ms() >= until or is_stopping())
      return kafka::call_error{kafka::next_action::broken, "_TIMED_OUT", seen.error().text};
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
}

} // namespace fairuse
