// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to api/service. POST /v1/events: the events of a request, by the HTTP binding of CloudEvents 1.0: one in
// structured mode, a batch, or one in binary mode (attributes in the headers `ce-*`).
// Threads: any.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/http_message.hpp"
#include "base/pure/result.hpp"
#include "events/event.hpp"
#include "events/refusal.hpp"
#include "events/wire.hpp"

namespace fairuse {

inline constexpr std::size_t events_at_once_max = 1'000;

/// The attributes in binary mode; each may stand there once.
inline constexpr std::array<std::string_view, 6> event_headers{"ce-specversion", "ce-id",      "ce-source",
                                                               "ce-type",        "ce-subject", "ce-time"};

/// By what an event is refused that would be no event, or a dead letter, behind its 202.
struct intake_rules {
  /// This machine's clock, which is ahead of that of an epoch by as long as the event takes to its epoch.
  time_ms now = 0;
  /// Of usage (core/rules.hpp).
  std::int64_t retention_ms = 0;
  /// Of a line, as it is written.
  std::size_t line_bytes_max = wire_limits{}.line_bytes_max;
};

struct incoming_event {
  /// As docs/events-format.md has it: one line, without its end. Empty, as all but `wrong`, if it is malformed.
  std::string line;
  std::string uid;
  std::string source;
  std::string id;
  event_kind kind = event_kind::speech;
  /// Hash of all that it says but its time: a sender may take the time anew when it tries again.
  std::uint64_t content = 0;
  std::optional<refused> wrong;
};

/// In the request's order. The error is a problem for the client: of the body as a whole.
result<std::vector<incoming_event>, http_reply> events_of(const http_request& request, const intake_rules& by);

} // namespace fairuse
