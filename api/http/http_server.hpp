// SPDX-License-Identifier: Apache-2.0
//
// An HTTP/1.1 server for one handler, with threads of its own. All is bounded: what a request may be, how long it may
// take to come, how many connections there are. TLS is the proxy's.
//
//   struct greeter : http_handler {
//     void handle(http_request request, http_responder respond) override {
//       respond({.content_type = "text/plain", .body = "hello " + request.peer});
//     }
//     void failed(std::string_view trace_id, std::string_view what) override { log(trace_id, what); }
//   } greet;
//   const auto server = http_server::start({.listen = "127.0.0.1:8080"}, greet);
//
// One connection: requests are answered in their order, one at a time, whatever the client sends ahead. What is no
// request is answered by a problem (`problem.hpp`) and ends the connection.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "api/http/http_message.hpp"
#include "api/http/request_reader.hpp"
#include "base/pure/result.hpp"

namespace fairuse {

/// Takes the answer to one request: from any thread, at once or later, also when the client, or the server, is gone.
/// Who destroys it unused has answered 500.
class http_responder {
public:
  /// `take` is called once. For handlers under test; the server brings its own.
  explicit http_responder(std::function<void(http_reply)> take) : take_{std::move(take)} {}
  http_responder(http_responder&& from) noexcept;
  http_responder& operator=(http_responder&& from) noexcept;
  ~http_responder();

  /// Only the first call counts. On the thread that called handle(), inside it, nothing is queued.
  void operator()(http_reply reply);

private:
  std::function<void(http_reply)> take_;
};

class http_handler {
public:
  virtual ~http_handler() = default;
  /// Called by the threads of the server, by several at once if there are several; while it runs, its thread serves
  /// nobody else. An exception is answered by 500 and counted.
  virtual void handle(http_request request, http_responder respond) = 0;
  /// For the log: an exception left handle(), on the same thread.
  virtual void failed(std::string_view trace_id, std::string_view what) = 0;
};

struct http_server_options {
  /// address:port; port 0 is any.
  std::string listen = "127.0.0.1:8080";
  std::size_t threads = 1;
  request_bounds bounds;
  /// From the first byte of a request to its last.
  std::int64_t request_ms = 10'000;
  /// Between a request and the next.
  std::int64_t idle_ms = 60'000;
  /// For an answer to leave.
  std::int64_t write_ms = 10'000;
  /// After the last answer: for the client to read it before the connection ends.
  std::int64_t linger_ms = 1'000;
  /// Shared by the threads in equal parts. For one more, the connection that is idle for longest is closed; if none is
  /// idle, the new one gets 503.
  std::size_t connections_max = 1'024;
};

/// Only grow, but for the open connections. Threads: any.
struct http_counters {
  using count = std::atomic<std::uint64_t>;
  /// By the first digit of their status: answers[2] are the 2xx.
  std::array<count, 6> answers{};
  /// Of them, what the server answered by itself because the request was malformed, too large or too slow.
  count requests_refused{0};
  /// Handlers that threw, or whose answer could not be sent.
  count handler_failures{0};
  count connections{0};
  count connections_open{0};
  /// Closed while they were idle to make room.
  count connections_displaced{0};
  /// Answered by 503, because there was no room.
  count connections_refused{0};
};

class http_server {
public:
  /// REQUIRES: the handler outlives it; each option is at least 1.
  static result<std::unique_ptr<http_server>> start(const http_server_options& options, http_handler& handler);
  /// stop(0).
  ~http_server();
  http_server(const http_server&) = delete;
  http_server& operator=(const http_server&) = delete;

  std::uint16_t port() const;
  const http_counters& counters() const;
  /// No new connections; idle ones are closed at once, requests under way have `grace_ms` more. Returns when all
  /// connections are closed and the threads are gone. REQUIRES: it is not called by a handler, and by one thread.
  void stop(std::int64_t grace_ms);

private:
  struct body;
  explicit http_server(std::unique_ptr<body> all);
  std::unique_ptr<body> body_;
};

} // namespace fairuse
