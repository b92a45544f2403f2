// SPDX-License-Identifier: Apache-2.0
#include "api/http/request_reader.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "api/http/problem.hpp"
#include "api/http/request_target.hpp"
#include "base/pure/numbers.hpp"
#include "base/pure/text.hpp"
#include "base/pure/trace_id.hpp"

namespace fairuse {

namespace {

constexpr std::string_view line_end = "\r\n";
constexpr std::size_t chunk_line_bytes_max = 256;

// Two of these would be read differently by different readers.
constexpr std::array<std::string_view, 5> single_headers = {"authorization", "content-length", "content-type", "host",
                                                            "transfer-encoding"};

bool is_token_letter(char letter) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return (letter >= '0' and letter <= '9') or (lower(letter) >= 'a' and lower(letter) <= 'z')
         or marks.find(letter) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return not text.empty() and std::all_of(text.begin(), text.end(), is_token_letter);
}

bool is_value_letter(char letter) {
  return letter == '\t' or (static_cast<unsigned char>(letter) >= 0x20 and letter != 0x7f);
}

bool is_target(std::string_view text) {
  return not text.empty()
         and std::all_of(text.begin(), text.end(), [](char each) { return each > 0x20 and each < 0x7f; });
}

std::string_view trimmed(std::string_view text) {
  const auto begin = std::min(text.find_first_not_of(" \t"), text.size());
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

// What stands before the mark, which is taken off `text` with it; all of it if there is no mark.
std::string_view take_until(std::string_view& text, char mark) {
  const auto piece = text.substr(0, text.find(mark));
  text.remove_prefix(std::min(piece.size() + 1, text.size()));
  return piece;
}

http_method method_of(std::string_view name) {
  if (name == "GET") return http_method::get;
  if (name == "HEAD") return http_method::head;
  return name == "POST" ? http_method::post : http_method::other;
}

} // namespace

request_reader::progress request_reader::take(std::string_view& bytes) {
  while (part_ != part::done and part_ != part::refused) {
    if (bytes.empty()) return std::exchange(continue_wanted_, false) ? progress::wants_continue : progress::more;
    advance(bytes);
  }
  return part_ == part::done ? progress::done : progress::refused;
}

// REQUIRES: some bytes. Takes some of them, or ends the request.
void request_reader::advance(std::string_view& bytes) {
  switch (part_) {
    case part::request_line:
      // What is no HTTP at all (TLS, as a rule) may never end a line.
      if (line_.empty() and bytes.front() != '\r' and not is_token_letter(bytes.front()))
        refuse(400, "malformed_request", "this is no HTTP request");
      else if (take_head_line(bytes))
        read_request_line();
      break;
    case part::headers:
      if (not take_head_line(bytes)) break;
      if (line_.empty())
        end_head(not bytes.empty());
      else
        read_header();
      break;
    case part::sized_body:
      take_body(bytes, part::done);
      break;
    case part::chunk_size:
      if (take_line(bytes, chunk_line_bytes_max)) begin_chunk();
      break;
    case part::chunk:
      take_body(bytes, part::chunk_end);
      break;
    case part::chunk_end:
      if (take_line(bytes, line_end.size())) part_ = part::chunk_size;
      break;
    case part::trailers:
      // Nothing that counts may be said behind the body.
      if (not take_head_line(bytes)) break;
      if (line_.empty()) finish();
      line_.clear();
      break;
    case part::done:
    case part::refused:
      break;
  }
}

// True: `line_` is a whole line, without its end. False: more bytes are needed, or the request is refused.
bool request_reader::take_line(std::string_view& bytes, std::size_t bytes_max) {
  const auto end = bytes.find('\n');
  const auto taken = end == std::string_view::npos ? bytes : bytes.substr(0, end + 1);
  if (line_.size() + taken.size() > bytes_max) return refuse_line("is too long");
  line_ += taken;
  bytes.remove_prefix(taken.size());
  if (end == std::string_view::npos) return false;
  if (not line_.ends_with(line_end)) return refuse_line("ends without a carriage return");
  line_.resize(line_.size() - line_end.size());
  return true;
}

bool request_reader::take_head_line(std::string_view& bytes) {
  const auto size = std::min(bytes.find('\n'), bytes.size() - 1) + 1;
  if (head_bytes_ + line_.size() + size > bounds_.header_bytes_max) {
    const auto why = "request line and headers may have " + std::to_string(bounds_.header_bytes_max) + " bytes";
    return part_ == part::request_line ? refuse(414, "uri_too_long", why) : refuse(431, "headers_too_large", why);
  }
  if (not take_line(bytes, bounds_.header_bytes_max)) return false;
  head_bytes_ += line_.size() + line_end.size();
  return true;
}

void request_reader::read_request_line() {
  if (line_.empty()) return;
  std::string_view rest = line_;
  const auto method = take_until(rest, ' ');
  const auto target = take_until(rest, ' ');
  if (method == "PRI" and rest == "HTTP/2.0") {
    // The preface of HTTP/2: who speaks it reads no answer of ours.
    part_ = part::refused;
    return;
  }
  if (not is_token(method) or not is_target(target)) {
    refuse_line("is not METHOD TARGET HTTP/1.1");
    return;
  }
  if (rest != "HTTP/1.1" and rest != "HTTP/1.0") {
    refuse_line("names a version that is neither HTTP/1.1 nor HTTP/1.0");
    return;
  }
  is_http_1_0_ = rest == "HTTP/1.0";
  request_.method_name = method;
  request_.method = method_of(method);
  target_ = target;
  part_ = part::headers;
  line_.clear();
  ++line_number_;
}

void request_reader::read_header() {
  std::string_view value = line_;
  if (value.front() == ' ' or value.front() == '\t') {
    refuse_line("goes on with the line before it; a header has one line");
    return;
  }
  const bool has_colon = value.find(':') != std::string_view::npos;
  const auto name = take_until(value, ':');
  if (not has_colon or not is_token(name) or not std::all_of(value.begin(), value.end(), is_value_letter)) {
    refuse_line("is not NAME: VALUE");
    return;
  }
  add_header(lower(std::string{name}), trimmed(value));
  line_.clear();
  ++line_number_;
}

void request_reader::add_header(std::string name, std::string_view value) {
  auto& headers = request_.headers;
  const auto same = std::find_if(headers.begin(), headers.end(), [&](const auto& each) { return each.first == name; });
  if (same == headers.end()) {
    if (headers.size() < bounds_.headers_max)
      headers.emplace_back(std::move(name), value);
    else
      refuse(431, "headers_too_large", "there may be " + std::to_string(bounds_.headers_max) + " headers");
    return;
  }
  const auto& ours = bounds_.single_headers;
  if (std::find(single_headers.begin(), single_headers.end(), name) != single_headers.end()
      or std::find(ours.begin(), ours.end(), name) != ours.end())
    refuse_line("says " + name + " again");
  else
    same->second.append(", ").append(value);
}

void request_reader::end_head(bool more_bytes) {
  if (const auto parent = request_.header("traceparent")) request_.trace_id = trace_id_of(*parent).value_or("");
  read_connection();
  if (not check_head() or not read_framing() or not read_expectation(more_bytes)) return;
  if (part_ == part::sized_body and body_bytes_left_ == 0) finish();
}

bool request_reader::check_head() {
  if (not is_http_1_0_ and not request_.header("host"))
    return refuse(400, "malformed_request", "the header Host is missing");
  auto target = read_request_target(target_);
  if (not target) return refuse(400, "bad_path", target.error().message);
  request_.path = std::move(target->path);
  request_.query = std::move(target->query);
  const auto encoding = lower(std::string{request_.header("content-encoding").value_or("identity")});
  if (encoding == "identity" or encoding == "gzip" or encoding == "x-gzip") return true;
  refuse(415, "unsupported_encoding", "the body may come as it is or with Content-Encoding: gzip");
  refusal_->headers.emplace_back("Accept-Encoding", "gzip");
  return false;
}

// How the body ends. Whatever could be read in two ways is refused.
bool request_reader::read_framing() {
  const auto coding = request_.header("transfer-encoding");
  const auto length = request_.header("content-length");
  part_ = part::sized_body;
  line_.clear();
  if (coding) {
    if (length) return refuse(400, "malformed_request", "Content-Length and Transfer-Encoding exclude each other");
    if (is_http_1_0_ or not equal_ignoring_case(*coding, "chunked"))
      return refuse(400, "malformed_request", "Transfer-Encoding may be chunked, with HTTP/1.1, and nothing else");
    part_ = part::chunk_size;
    return true;
  }
  if (not length) {
    if (request_.method != http_method::post) return true;
    return refuse(411, "length_required", "the header Content-Length is missing");
  }
  const auto bytes = parse_number<std::uint64_t>(*length);
  if (not bytes) return refuse(400, "malformed_request", "Content-Length is not a number of bytes");
  if (*bytes > bounds_.body_bytes_max)
    return refuse(413, "body_too_large", "a body may have " + std::to_string(bounds_.body_bytes_max) + " bytes");
  body_bytes_left_ = *bytes;
  return true;
}

bool request_reader::read_expectation(bool more_bytes) {
  const auto expected = request_.header("expect");
  if (not expected or is_http_1_0_) return true;
  if (not equal_ignoring_case(*expected, "100-continue"))
    return refuse(417, "expectation_failed", "Expect may be 100-continue, and nothing else");
  // Who has sent the body does not wait.
  continue_wanted_ = not more_bytes and (part_ != part::sized_body or body_bytes_left_ > 0);
  return true;
}

void request_reader::read_connection() {
  keeps_alive_ = not is_http_1_0_;
  auto rest = request_.header("connection").value_or("");
  while (not rest.empty()) {
    const auto wish = trimmed(take_until(rest, ','));
    if (equal_ignoring_case(wish, "close")) {
      keeps_alive_ = false;
      return;
    }
    if (equal_ignoring_case(wish, "keep-alive")) keeps_alive_ = true;
  }
}

void request_reader::begin_chunk() {
  // Extensions behind the number are nobody's.
  std::string_view rest = line_;
  const auto bytes = parse_number<std::uint64_t>(take_until(rest, ';'), 16);
  if (not bytes or not std::all_of(rest.begin(), rest.end(), is_value_letter)) {
    refuse(400, "malformed_request", "a chunk of the body does not begin with its number of bytes");
    return;
  }
  if (*bytes > bounds_.body_bytes_max - request_.body.size()) {
    refuse(413, "body_too_large", "a body may have " + std::to_string(bounds_.body_bytes_max) + " bytes");
    return;
  }
  line_.clear();
  body_bytes_left_ = *bytes;
  part_ = part::chunk;
  if (*bytes > 0) return;
  part_ = part::trailers;
  head_bytes_ = 0;
}

void request_reader::take_body(std::string_view& bytes, part next) {
  const auto taken = bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(body_bytes_left_, bytes.size())));
  request_.body += taken;
  bytes.remove_prefix(taken.size());
  body_bytes_left_ -= taken.size();
  if (body_bytes_left_ > 0) return;
  part_ = next;
  if (next == part::done) finish();
}

void request_reader::finish() {
  part_ = part::done;
  request_.is_packed = not equal_ignoring_case(request_.header("content-encoding").value_or("identity"), "identity");
}

// False, as everything that a refusal stops.
bool request_reader::refuse(int status, std::string_view reason, std::string_view detail) {
  part_ = part::refused;
  refusal_ = problem(status, reason, detail);
  return false;
}

bool request_reader::refuse_line(std::string_view why) {
  if (part_ != part::request_line and part_ != part::headers)
    return refuse(400, "malformed_request", "a line between the pieces of the body " + std::string{why});
  return refuse(400, "malformed_request",
                "line " + std::to_string(line_number_) + " of the request " + std::string{why});
}

} // namespace fairuse
