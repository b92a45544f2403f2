// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to api/http. One connection, and the loop that it belongs to. All of both runs on the loop's thread, but for
// http_loop::open and what posts to its context.
//
//   waiting --first byte--> reading --whole request--> handling --answer--> writing --> waiting
//                              |                                              |
//                              +--refused, or too slow: a problem ----------->+--> lingering --> closed
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <ctime>
#include <list>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "api/http/http_server.hpp"

namespace fairuse {

class http_connection;

/// A thread and its connections. Shared, so that an answer that comes late finds no ruin.
struct http_loop : std::enable_shared_from_this<http_loop> {
  using connections = std::list<std::shared_ptr<http_connection>>;

  http_loop(const http_server_options& bounds, http_handler& answers, http_counters& counts);

  void run();
  /// Takes the connection in, if there is room or an idle one makes room. REQUIRES: it is counted in `open`.
  void serve(boost::asio::ip::tcp::socket socket);
  /// Ends when no connection is left, or `grace_ms` is over.
  void begin_stop(std::int64_t grace_ms);
  void remove(http_connection& one);
  /// For the header `Date`.
  std::string_view date();

  boost::asio::io_context context{1};
  const http_server_options options;
  const std::size_t connections_max;
  http_handler& handler;
  http_counters& counters;
  /// What can be closed for another: longest idle first. The others wait for an answer of ours, or we for their bytes.
  connections idle;
  connections busy;
  /// How many there are, with those that are on their way. Threads: any.
  std::atomic<std::size_t> open{0};
  std::thread::id thread;
  std::mt19937_64 random;
  bool is_stopping = false;

private:
  void watch();
  void look_at_deadlines();

  boost::asio::steady_timer timer_{context};
  std::int64_t stop_at_ms_ = 0;
  std::time_t dated_ = 0;
  std::string date_;
};

class http_connection : public std::enable_shared_from_this<http_connection> {
public:
  http_connection(http_loop& loop, boost::asio::ip::tcp::socket socket);

  /// Waits for the first request.
  void begin();
  /// Answers without a request, and closes.
  void refuse(http_reply reply);
  /// The answer to request `number`; nothing happens if that is no longer asked.
  void answer(std::uint64_t number, http_reply reply);
  /// Ends what has taken too long.
  void check_deadline(std::int64_t now_ms);
  void close();

private:
  friend struct http_loop;
  enum class phase { waiting, reading, handling, writing, lingering, closed };

  void enter(phase next, std::int64_t ms_left = 0);
  void read();
  void on_read(bool failed, std::size_t size);
  void take();
  void send_continue();
  void handle_request();
  void fail(std::uint64_t number, std::string_view what);
  void write(http_reply reply);
  void on_written(bool failed);
  void linger();

  http_loop& loop_;
  boost::asio::ip::tcp::socket socket_;
  std::string peer_;
  request_reader reader_;
  phase phase_ = phase::waiting;
  std::int64_t deadline_ms_ = 0;
  /// Where this stands in the list of the loop that `is_idle_` names.
  http_loop::connections::iterator place_;
  bool is_idle_ = false;
  bool is_reading_ = false;
  std::array<char, 8'192> bytes_;
  /// What came of the next request with the last one.
  std::string_view unread_;
  std::size_t lingered_bytes_ = 0;
  /// Of the request that is answered.
  std::uint64_t number_ = 0;
  std::string trace_id_;
  bool is_head_ = false;
  bool is_http_1_0_ = false;
  bool keeps_alive_ = true;
  std::string text_;
};

} // namespace fairuse
