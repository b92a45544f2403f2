// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to api/http. A reply as bytes. Pure functions.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "api/http/http_message.hpp"

namespace fairuse {

/// What the request and its connection make of a reply.
struct reply_frame {
  /// Of HEAD: the headers speak of the body, which does not come.
  bool without_body = false;
  bool keeps_alive = true;
  /// HTTP/1.0 must be told that the connection stays, HTTP/1.1 that it does not.
  bool is_http_1_0 = false;
  std::string_view date;
  std::string_view trace_id;
};

/// False: a header of the reply would end its line, or the headers.
bool can_be_sent(const http_reply& reply);

/// REQUIRES: can_be_sent().
std::string reply_text(const http_reply& reply, const reply_frame& frame);

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
std::string http_date(std::time_t at);

} // namespace fairuse
