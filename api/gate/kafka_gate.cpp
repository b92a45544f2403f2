// SPDX-License-Identifier: Apache-2.0

#include "api/gate/kafka_gate.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/system/stoppable_pause.hpp"
#include "engine/clocks.hpp"

namespace fairuse {

namespace {

constexpr kafka::milliseconds wait_for_records{1'000};
/// How often the brokers are asked where the topic ends; what comes in between is taken at once.
constexpr std::int64_t ends_asked_every_ms = 1'000;
constexpr std::chrono::milliseconds pause{500};

} // namespace

kafka_gate::kafka_gate(kafka::cluster& brokers, std::string topic, gate_view& into, log told)
  : brokers_{brokers},
    topic_{std::move(topic)},
    into_{into},
    told_{std::move(told)},
    log_{brokers, topic_},
    thread_{[this](const std::stop_token& stop) { keep_reading(stop); }} {}

void kafka_gate::keep_reading(const std::stop_token& stop) {
  bool follows = false;
  while (not stop.stop_requested()) {
    if (not follows) follows = follow_all();
    if (not follows or not read_once()) pause_for(pause, stop);
  }
}

bool kafka_gate::follow_all() {
  const auto follows = log_.follow_all();
  if (not follows) tell(follows.error());
  return follows.has_value();
}

// All that is committed, and what comes in the second after it.
bool kafka_gate::read_once() {
  const auto told = [this](const enforcement_record& what) { take(what); };
  const auto asked_at = steady_clock_ms();
  const auto all = log_.read_all(wait_for_records, told);
  if (not all) tell(all.error());
  if (not all or not *all) return false;
  into_.caught_up(asked_at);
  last_told_.clear();
  for (auto left = ends_asked_every_ms; left > 0; left = asked_at + ends_asked_every_ms - steady_clock_ms())
    if (const auto some = log_.read_some(std::min(kafka::milliseconds{left}, kafka::milliseconds{100}), told);
        not some) {
      tell(some.error());
      return false;
    }
  return true;
}

void kafka_gate::take(const enforcement_record& what) {
  if (const auto* controls = std::get_if<controls_row>(&what.says))
    into_.put_controls(*controls);
  else if (const auto* row = std::get_if<enforcement_row>(&what.says))
    into_.put(what.uid, *row);
  else
    into_.forget(what.uid);
}

// The same error once, until reading goes on.
void kafka_gate::tell(const kafka::call_error& why) {
  if (why.text == last_told_) return;
  last_told_ = why.text;
  told_(log_level::warning,
        fmt::format("the gate cannot read {}: {} ({}); it allows what it does not know", topic_, why.text, why.code));
}

} // namespace fairuse
