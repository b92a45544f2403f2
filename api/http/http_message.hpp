// SPDX-License-Identifier: Apache-2.0
//
// What came and what goes back: plain values, which anybody can make without a server.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairuse {

/// The methods that routes have, and HEAD, which is answered as GET without the body.
enum class http_method : std::uint8_t { get, head, post, other };

using http_fields = std::vector<std::pair<std::string, std::string>>;

struct http_request {
  http_method method = http_method::get;
  /// As it came, in any case of `method`: `GET`, `PURGE`.
  std::string method_name = "GET";
  /// Decoded: begins with `/`, is UTF-8, has no control character and no segment `.` or `..`; each `/` in it separates.
  std::string path = "/";
  /// What stands behind `?`, as it came; its escapes are valid and decode to UTF-8 without control characters.
  std::string query;
  /// Names in lower case, each once. A list's values are joined by ", ". Values are bytes, not necessarily UTF-8.
  http_fields headers;
  std::string body;
  /// It is gzip: inflate_body() comes first.
  bool is_packed = false;
  /// The other side's address without its port, as 192.0.2.7 or 2001:db8::1.
  std::string peer;
  /// 32 lower-case hexadecimal digits: those of the header `traceparent`, else random ones.
  std::string trace_id;

  /// Nullopt: it is not there. REQUIRES: a name in lower case.
  std::optional<std::string_view> header(std::string_view name) const;
  /// Names and values of the query, decoded, in their order.
  http_fields query_values() const;
  /// The header `content-type` without parameters, in lower case; empty: there is none.
  std::string media_type() const;
};

/// The server adds its own headers (Content-Length, Date, Trace-Id, Cache-Control and the like).
struct http_reply {
  int status = 200;
  /// Empty: the reply has no Content-Type.
  std::string content_type;
  /// REQUIRES: none that the server adds, no line break and no NUL; else the client gets a 500.
  http_fields headers;
  std::string body;
};

} // namespace fairuse
