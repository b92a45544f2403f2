// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to api/service. POST /v1/events: who may send which events, and what becomes of each.
// Threads: any.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/http_server.hpp"
#include "api/identity/principal.hpp"
#include "api/service/event_request.hpp"
#include "api/service/event_sink.hpp"
#include "api/service/recent_events.hpp"
#include "api/shown_metrics.hpp"

namespace fairuse {

enum class event_outcome : std::uint8_t {
  accepted,
  malformed,
  duplicate,
  conflict,
  unwritten, ///< the sender was told to send it again
};
inline constexpr std::size_t event_outcome_count = 5;
std::string_view to_text(event_outcome value);

class event_intake {
public:
  /// REQUIRES: `into` outlives this, and has told of all that was put before it is gone.
  explicit event_intake(event_sink& into) : into_{into} {}

  /// Answers once the events are durable.
  void take(const http_request& request, const principal& who, http_responder respond);
  void show(shown_metrics& to) const;

private:
  void count(event_outcome what, std::uint64_t events = 1);

  std::array<std::atomic<std::uint64_t>, event_outcome_count> counts_{};
  event_sink& into_;
  recent_events recent_;
};

} // namespace fairuse
