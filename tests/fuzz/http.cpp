// SPDX-License-Identifier: Apache-2.0
//
// Requests by HTTP. The input is the size of the pieces in which the rest comes, and the bytes of a connection.
#include <algorithm>
#include <string>
#include <vector>

#include "api/http/gzip.hpp"
#include "api/http/request_reader.hpp"
#include "base/pure/hex.hpp"
#include "tests/api/http/read_all.hpp"
#include "tests/fuzz/check.hpp"

namespace {

using namespace fairuse;
using fuzz::expect;

constexpr request_bounds bounds = {.header_bytes_max = 512, .headers_max = 8, .body_bytes_max = 1'024};
constexpr std::size_t plain_bytes_max = 4'096;

// The request with every byte of its path escaped but the slashes.
std::string written(const http_request& request) {
  std::string target;
  for (const char each : request.path)
    target += each == '/' ? "/" : "%" + to_hex(std::string_view{&each, 1});
  return request.method_name + " " + target + "?" + request.query
         + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(request.body.size()) + "\r\n\r\n" + request.body;
}

void accepted(http_request request) {
  expect(request.body.size() <= bounds.body_bytes_max, "a body is bounded as it comes");
  if (inflate_body(request, plain_bytes_max)) return;
  expect(request.path.starts_with('/') and request.path.find("/../") == std::string::npos, "a path leads nowhere else");
  expect(request.path.find('\0') == std::string::npos, "a path has no NUL");
  expect(request.body.size() <= plain_bytes_max, "a body is bounded");
  const auto text = written(request);
  std::string_view bytes = text;
  constexpr request_bounds wide;
  request_reader again{wide};
  expect(again.take(bytes) == request_reader::progress::done, "what was accepted can be written and read");
  expect(again.request().path == request.path and again.request().query == request.query
             and again.request().body == request.body and again.request().query_values() == request.query_values(),
         "it is the same request");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto text = fuzz::text_of(data, size);
  if (text.empty()) return 0;
  const auto piece = static_cast<std::size_t>(std::max<unsigned char>(static_cast<unsigned char>(text.front()), 1));
  text.remove_prefix(1);
  std::vector<std::string_view> pieces;
  for (auto rest = text; not rest.empty(); rest.remove_prefix(pieces.back().size()))
    pieces.push_back(rest.substr(0, piece));
  expect(read_all({text}, bounds) == read_all(pieces, bounds), "pieces make no difference");

  request_reader reader{bounds};
  switch (reader.take(text)) {
    case request_reader::progress::done:
      accepted(reader.request());
      break;
    case request_reader::progress::refused:
      expect(not reader.refusal() or reader.refusal()->status / 100 == 4, "a refusal is the client's");
      break;
    default:
      expect(text.empty(), "all bytes are taken");
  }
  return 0;
}
