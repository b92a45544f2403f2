// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to api/service. POST /v1/events: who may send which events, and what becomes of each.
// Threads: any.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/http/http_server.hpp"
#include "api/identity/principal.hpp"
#include "api/service/event_request.hpp"
#include "api/service/event_sink.hpp"
#include "api/service/log_interval.hpp"
#include "api/service/recent_events.hpp"
#include "api/shown_metrics.hpp"
#include "base/pure/log_level.hpp"

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

struct taken_event {
  incoming_event what;
  event_outcome became = event_outcome::accepted;
};

class event_intake {
public:
  /// From any thread.
  using log_function = std::function<void(log_level, const std::string&)>;

  /// REQUIRES: `into` outlives this, and has told of all that was put before it is gone.
  /// `rules`: but for `now`.
  event_intake(event_sink& into, const intake_rules& rules, log_function log)
    : into_{into}, rules_{rules}, log_{std::move(log)} {}

  /// Answers once the events are durable.
  void take(const http_request& request, const principal& who, http_responder respond);
  void show(shown_metrics& to) const;

private:
  void count(event_outcome what);
  event_outcome outcome_of(const incoming_event& event);
  void settle(const std::vector<taken_event>& events, bool is_durable);
  void tell_refused(const std::string& why, const std::string& trace_id);

  std::array<std::atomic<std::uint64_t>, event_outcome_count> counts_{};
  event_sink& into_;
  const intake_rules rules_;
  const log_function log_;
  log_interval refusals_told_;
  recent_events recent_;
};

} // namespace fairuse
