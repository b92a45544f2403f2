// SPDX-License-Identifier: Apache-2.0
//
// What must come of bytes, by the reader alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/http/request_reader.hpp"

namespace fairuse {

/// What a connection makes of `bytes`, one line for each request: `GET /path body`, or the status that ends all;
/// `close`: it ends without a word; `more`: a request has begun and is not whole.
inline std::vector<std::string> read_all(const std::vector<std::string_view>& pieces, const request_bounds& bounds) {
  std::vector<std::string> seen;
  request_reader reader{bounds};
  for (auto piece : pieces)
    while (not piece.empty()) {
      const auto reached = reader.take(piece);
      if (reached == request_reader::progress::refused) {
        seen.push_back(reader.refusal() ? std::to_string(reader.refusal()->status) : "close");
        return seen;
      }
      if (reached != request_reader::progress::done) continue;
      const auto& request = reader.request();
      seen.push_back(request.method_name + " " + request.path + " " + request.body);
      if (not reader.keeps_alive()) return seen;
      reader = request_reader{bounds};
    }
  if (reader.has_begun()) seen.emplace_back("more");
  return seen;
}

} // namespace fairuse
