// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to api/service. POST /v1/events: who may send which events, and what becomes of each.
// Threads: any.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/http/http_server.hpp"
#include "api/identity/principal.hpp"
#include "api/service/event_request.hpp"
#include "api/service/event_sink.hpp"
#include "api/service/recent_events.hpp"

namespace fairuse {

class event_intake {
public:
  /// REQUIRES: `into` outlives this, and has told of all that was put before it is gone.
  explicit event_intake(event_sink& into) : into_{into} {}

  /// Answers once the events are durable.
  void take(const http_request& request, const principal& who, http_responder respond);

private:
  event_sink& into_;
  recent_events recent_;
};

} // namespace fairuse
