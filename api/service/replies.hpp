// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to api/service. Problems that several operations answer with.
// Pure functions.
#pragma once

#include <string_view>

#include "api/http/problem.hpp"

namespace fairuse {

inline http_reply invalid_body(std::string_view detail) { return problem(400, "invalid_body", detail); }

/// REQUIRES: `body` could not be parsed.
inline http_reply no_json(std::string_view body) {
  return invalid_body(body.empty() ? "the body is empty" : "the body is no JSON");
}

/// 503: nothing was taken, and the same request may do in a second.
inline http_reply retry_later(std::string_view reason, std::string_view detail) {
  auto reply = problem(503, reason, detail);
  reply.headers.emplace_back("Retry-After", "1");
  return reply;
}

} // namespace fairuse
