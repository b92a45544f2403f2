// SPDX-License-Identifier: Apache-2.0
//
// What went wrong, as RFC 9457 writes it: for a person (`detail`) and for a program (`reason`). The members stand in
// this order: type, title, status, detail, reason, the caller's, trace_id. The server adds the last when it sends a
// problem, so nobody can forget it. Pure functions.
//
//   return problem(429, "budget_exhausted", "today's budget is used up", {{"used_ms", 1'800'000},
//                                                                         {"resets_at", problem_time{midnight}}});
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "api/http/http_message.hpp"
#include "events/event.hpp"

namespace fairuse {

inline constexpr std::string_view problem_type = "application/problem+json";

/// Written as RFC 3339.
struct problem_time {
  time_ms at = 0;
};

struct problem_member {
  std::string_view name;
  std::variant<std::int64_t, std::string, problem_time> value;
};

/// `reason`: one of a closed list, in snake_case. The server's own are malformed_request, bad_path, not_found,
/// method_not_allowed, request_timeout, length_required, body_too_large, uri_too_long, headers_too_large,
/// unsupported_encoding, expectation_failed, too_many_connections and internal_error.
/// REQUIRES: UTF-8, and names that need no escapes.
http_reply problem(int status, std::string_view reason, std::string_view detail,
                   const std::vector<problem_member>& members = {});

/// The answer to a request that we could not answer: our fault, and nothing of ours is shown.
http_reply internal_problem();

/// Adds the last member to a problem; other replies stay as they are.
void add_trace_id(http_reply& reply, std::string_view trace_id);

/// The standard phrase of a status, `Not Found`.
std::string_view status_phrase(int status);

} // namespace fairuse
