// SPDX-License-Identifier: Apache-2.0
//
// Many HTTP requests at once, on the caller's thread: send() begins one, poll() serves all of them and hands out what
// has ended. No retry, no redirect is followed: both are decisions of the caller.
// Threads: one thread for all calls but wake().
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/pure/result.hpp"

namespace fairuse {

struct http_client_options {
  /// As libcurl takes it; empty: what the environment says (https_proxy, no_proxy).
  std::string proxy;
  /// Certificates to trust instead of the system's; empty: those.
  std::filesystem::path ca_file;
  std::int64_t connect_timeout_ms = 10'000;
};

struct outgoing_request {
  std::string url;
  /// `name: value`; no line break in it.
  std::vector<std::string> headers;
  /// GET instead of POST; then there is no body.
  bool is_get = false;
  std::string body;
  /// For the whole request.
  std::int64_t timeout_ms = 30'000;
  /// A longer answer is cut off and is an error.
  std::size_t answer_bytes_max = std::size_t{1} << 20;
};

/// Why there is no whole answer.
enum class http_fault : std::uint8_t {
  none,
  unreachable, ///< no connection: name, port, proxy
  tls,         ///< the certificate, or what was agreed on
  timed_out,
  broken_off, ///< the connection ended before the answer did
  too_large,
};

struct http_answer {
  http_fault fault = http_fault::none;
  /// 0: none came.
  int status = 0;
  std::string body;
  /// Retry-After in either of its forms, from the arrival of the answer; nullopt: there is none.
  std::optional<std::int64_t> retry_after_ms;
  /// For people, if there is a fault; names host and port, never a header or a body.
  std::string error;
  std::int64_t took_ms = 0;
};

class http_client {
public:
  using ticket = std::uint64_t;

  /// An error if the options cannot work: a CA file that is none, for one.
  static result<std::unique_ptr<http_client>> make(const http_client_options& options);
  /// Breaks off what is under way.
  ~http_client();
  http_client(const http_client&) = delete;
  http_client& operator=(const http_client&) = delete;

  /// Never 0.
  ticket send(outgoing_request what);
  /// Serve the connections until something has ended, wake() was called, or `wait_ms` are over.
  std::vector<std::pair<ticket, http_answer>> poll(std::int64_t wait_ms);
  std::size_t under_way() const;
  /// poll() returns. From any thread.
  void wake();

private:
  struct body;
  explicit http_client(std::unique_ptr<body> all);
  std::unique_ptr<body> body_;
};

} // namespace fairuse
