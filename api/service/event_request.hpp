// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to api/service. POST /v1/events: the events of a request, by the HTTP binding of CloudEvents 1.0: one in
// structured mode, a batch, or one in binary mode (attributes in the headers `ce-*`).
// Threads: any.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/http_message.hpp"
#include "base/pure/result.hpp"
#include "events/event.hpp"
#include "events/refusal.hpp"

namespace fairuse {

inline constexpr std::size_t events_at_once_max = 1'000;

/// The attributes in binary mode; each may stand there once.
inline constexpr std::array<std::string_view, 6> event_headers{"ce-specversion", "ce-id",      "ce-source",
                                                               "ce-type",        "ce-subject", "ce-time"};

struct incoming_event {
  /// As docs/events-format.md has it: one line, without its end. The rest is empty if it was refused.
  std::string line;
  std::string uid;
  std::string source;
  std::string id;
  event_kind kind = event_kind::speech;
  std::optional<refused> wrong;
};

/// In the request's order. The error is a problem for the client: of the body as a whole.
result<std::vector<incoming_event>, http_reply> events_of(const http_request& request);

} // namespace fairuse
