// SPDX-License-Identifier: Apache-2.0
//
// Kafka mode: keeps a gate_view by reading all partitions of `fairuse.enforcement.v1`, on a thread of its own. When no
// broker answers, the view grows old and its answers say so; reading goes on when one does.
// Threads: made and destroyed on one.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "api/enforcement_log.hpp"
#include "api/gate/gate_view.hpp"
#include "base/pure/log_level.hpp"
#include "streams/kafka/broker/cluster.hpp"

namespace fairuse {

class kafka_gate {
public:
  using log = std::function<void(log_level, const std::string&)>;

  /// REQUIRES: `brokers` and `into` outlive it; nobody else writes `into`.
  kafka_gate(kafka::cluster& brokers, std::string topic, gate_view& into, log told);

private:
  void keep_reading(const std::stop_token& stop);
  bool follow_all();
  bool read_once();
  void take(const enforcement_record& what);
  void tell(const kafka::call_error& why);

  kafka::cluster& brokers_;
  const std::string topic_;
  gate_view& into_;
  const log told_;
  enforcement_log log_;
  std::string last_told_;
  // Stops and joins.
  std::jthread thread_;
};

} // namespace fairuse
