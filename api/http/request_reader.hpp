// SPDX-License-Identifier: Apache-2.0
//
// Makes a request of bytes, however they are cut into pieces; stricter than RFC 9112 where two readers of the same
// bytes could see two requests. Holds no more than its bounds. Of one thread.
//
//   request_reader reader{bounds};
//   switch (reader.take(bytes)) {
//     case request_reader::progress::more: ...         // all bytes are taken, the request goes on
//     case request_reader::progress::wants_continue:   // as more; the client waits for `100 Continue`
//     case request_reader::progress::done: ...         // reader.request(); `bytes` holds what follows it
//     case request_reader::progress::refused: ...      // reader.refusal(); nothing behind it can be trusted
//   }
//
// Not Beast's parser: that of Debian 12 fails an assertion when a last chunk comes in small pieces, and takes folded
// lines and lists of lengths.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/http_message.hpp"

namespace fairuse {

struct request_bounds {
  /// Request line and headers; the headers behind a chunked body have as much again.
  std::size_t header_bytes_max = 16 << 10;
  std::size_t headers_max = 100;
  /// Lower-case names of those that may stand there once, beside those that HTTP says so of.
  std::vector<std::string> single_headers;
  /// As it comes.
  std::size_t body_bytes_max = 1 << 20;
};

class request_reader {
public:
  enum class progress { more, wants_continue, done, refused };

  explicit request_reader(const request_bounds& bounds) : bounds_{bounds} {}

  /// Takes bytes from the front of `bytes`. REQUIRES: neither done nor refused.
  progress take(std::string_view& bytes);
  /// False: nothing but empty lines came.
  bool has_begun() const { return part_ != part::request_line or not line_.empty(); }

  /// What is known by now: all of it when it is done. Without peer, and without trace id if the client named none.
  http_request& request() { return request_; }
  /// A problem without trace id. Nullopt: close without a word.
  std::optional<http_reply>& refusal() { return refusal_; }
  /// REQUIRES: it is done.
  bool keeps_alive() const { return keeps_alive_; }
  bool is_http_1_0() const { return is_http_1_0_; }

private:
  enum class part { request_line, headers, sized_body, chunk_size, chunk, chunk_end, trailers, done, refused };

  void advance(std::string_view& bytes);
  bool take_line(std::string_view& bytes, std::size_t bytes_max);
  bool take_head_line(std::string_view& bytes);
  void read_request_line();
  void read_header();
  void add_header(std::string name, std::string_view value);
  void end_head(bool more_bytes);
  bool check_head();
  bool read_framing();
  bool read_expectation(bool more_bytes);
  void read_connection();
  void begin_chunk();
  void take_body(std::string_view& bytes, part next);
  void finish();
  bool refuse(int status, std::string_view reason, std::string_view detail);
  bool refuse_line(std::string_view why);

  request_bounds bounds_;
  part part_ = part::request_line;
  http_request request_;
  std::optional<http_reply> refusal_;
  /// What came of the line that is read.
  std::string line_;
  std::string target_;
  std::size_t line_number_ = 1;
  std::size_t head_bytes_ = 0;
  /// What the body, or its chunk, still lacks.
  std::uint64_t body_bytes_left_ = 0;
  bool is_http_1_0_ = false;
  bool keeps_alive_ = true;
  bool continue_wanted_ = false;
};

} // namespace fairuse
