// SPDX-License-Identifier: Apache-2.0
//
// Bytes that a client should not send.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/api/http/packed.hpp"

namespace fairuse {

/// Requests and damage to them, drawn from a seed.
class hostile_client {
public:
  explicit hostile_client(std::uint64_t seed) : random_{seed} {}

  std::string bytes() {
    std::string made;
    for (auto count = below(4) + 1; count > 0; --count)
      made += request();
    for (auto count = below(4); count > 0 and not made.empty(); --count)
      damage(made);
    return made;
  }

  std::vector<std::string_view> cut(std::string_view bytes) {
    std::vector<std::string_view> pieces;
    const auto longest = below(3) == 0 ? 2 : below(100) + 1;
    while (not bytes.empty()) {
      pieces.push_back(bytes.substr(0, below(longest) + 1));
      bytes.remove_prefix(pieces.back().size());
    }
    return pieces;
  }

private:
  std::size_t below(std::size_t bound) { return random_() % bound; }

  std::string request() {
    switch (below(4)) {
      case 0:
        return "GET /a%20b?c=d HTTP/1.1\r\nHost: x\r\n\r\n";
      case 1:
        return "\r\nGET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
      case 2:
        return sized(below(2) == 0);
      default:
        return "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked_body();
    }
  }

  std::string sized(bool is_packed) {
    std::string body(below(60), 'b');
    if (is_packed) body = packed(body);
    return "POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n"
           + (is_packed ? "Content-Encoding: gzip\r\n" : "") + "\r\n" + body;
  }

  std::string chunked_body() {
    std::string body;
    for (auto count = below(3); count > 0; --count)
      body += "5;x=y\r\nchunk\r\n";
    return body + (below(2) == 0 ? "0\r\n\r\n" : "0\r\nTrailer: x\r\n\r\n");
  }

  void damage(std::string& text) {
    constexpr auto marks = std::string_view{"\0\r\n \t:;%/.?#,0\xff", 15};
    const auto at = below(text.size());
    switch (below(5)) {
      case 0:
        text[at] = static_cast<char>(random_());
        break;
      case 1:
        text[at] = marks[below(marks.size())];
        break;
      case 2:
        text.insert(at, 1, marks[below(marks.size())]);
        break;
      case 3:
        text.erase(at, below(8) + 1);
        break;
      default:
        text.insert(at, text.substr(below(text.size()), below(40)));
    }
  }

  std::mt19937_64 random_;
};

} // namespace fairuse
