// SPDX-License-Identifier: Apache-2.0
//
// Where events that came over HTTP go: into the engine's second input in local mode, to the input topic in Kafka mode.
// Threads: put() from any.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/service/event_request.hpp"
#include "base/pure/result.hpp"

namespace fairuse {

struct unwritten {
  std::string why;
  /// It would be so again: one of the events is larger than what they go into takes.
  bool is_too_large = false;
};

class event_sink {
public:
  /// Called once, from any thread: the events are durable, or why they are not.
  using take_result = std::function<void(const result<void, unwritten>&)>;

  virtual ~event_sink() = default;
  /// `traceparent`: of the request that they came with. False: too much waits already; nothing was taken, and `told`
  /// is not called.
  virtual bool put(std::vector<incoming_event> events, std::string traceparent, take_result told) = 0;
};

} // namespace fairuse
