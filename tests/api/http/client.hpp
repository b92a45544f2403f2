// SPDX-License-Identifier: Apache-2.0
//
// A server under test, and clients that send what they are told, byte for byte.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/unit_test.hpp>

#include "api/http/http_server.hpp"
#include "base/pure/numbers.hpp"

namespace fairuse {

/// What came back. Status 0: the connection ended without an answer.
struct http_answer {
  int status = 0;
  std::string head;
  std::string body;

  bool has(std::string_view line) const { return head.find("\r\n" + std::string{line} + "\r\n") != std::string::npos; }
  /// Empty: the header is not there.
  std::string header(std::string_view name) const {
    const auto begin = head.find("\r\n" + std::string{name} + ": ");
    if (begin == std::string::npos) return {};
    const auto value = begin + name.size() + 4;
    return head.substr(value, head.find("\r\n", value) - value);
  }
};

class http_client {
public:
  explicit http_client(std::uint16_t port) {
    socket_->connect({boost::asio::ip::make_address("127.0.0.1"), port});
    socket_->set_option(boost::asio::ip::tcp::no_delay{true});
  }

  http_client(http_client&&) = default;
  http_client& operator=(http_client&&) = delete;

  /// False: the connection is gone.
  bool send(std::string_view bytes) {
    boost::system::error_code failed;
    boost::asio::write(*socket_, boost::asio::buffer(bytes), failed);
    return not failed;
  }
  /// Nothing more will be sent.
  void end() {
    boost::system::error_code ignored;
    socket_->shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
  }
  void close() { socket_->close(); }
  bool has_answer() {
    boost::system::error_code ignored;
    return socket_->available(ignored) > 0;
  }

  http_answer answer(bool without_body = false) {
    boost::system::error_code failed;
    boost::asio::read_until(*socket_, boost::asio::dynamic_buffer(pending_), "\r\n\r\n", failed);
    const auto end = pending_.find("\r\n\r\n");
    if (end == std::string::npos) return {};
    http_answer got;
    got.head = take(end + 4);
    got.status = parse_number<int>(got.head.substr(9, 3)).value_or(-1);
    const auto size = without_body ? 0 : parse_number<std::size_t>(got.header("Content-Length")).value_or(0);
    if (pending_.size() < size)
      boost::asio::read(*socket_, boost::asio::dynamic_buffer(pending_),
                        boost::asio::transfer_exactly(size - pending_.size()), failed);
    got.body = take(size);
    return got;
  }
  http_answer ask(std::string_view bytes) {
    send(bytes);
    return answer();
  }
  http_answer get(std::string_view path) { return ask("GET " + std::string{path} + " HTTP/1.1\r\nHost: x\r\n\r\n"); }
  /// All that comes until the server closes; a connection that it reset counts as closed.
  std::string rest() {
    boost::system::error_code failed;
    boost::asio::read(*socket_, boost::asio::dynamic_buffer(pending_), failed);
    return take(pending_.size());
  }

private:
  std::string take(std::size_t size) {
    auto taken = pending_.substr(0, size);
    pending_.erase(0, size);
    return taken;
  }

  std::unique_ptr<boost::asio::io_context> context_ = std::make_unique<boost::asio::io_context>();
  std::unique_ptr<boost::asio::ip::tcp::socket> socket_ = std::make_unique<boost::asio::ip::tcp::socket>(*context_);
  std::string pending_;
};

/// Answers by the path: /later when the test says so, /throw and the like wrongly, all others with what was asked.
class path_handler : public http_handler {
public:
  void handle(http_request request, http_responder respond) override {
    if (request.path == "/throw") throw std::runtime_error{"a bug"};
    if (request.path == "/throw-after") {
      keep(std::move(respond));
      throw 1;
    }
    if (request.path == "/drop") return;
    if (request.path == "/later") return keep(std::move(respond));
    if (request.path == "/large") return respond({.body = std::string(32 << 20, 'x')});
    if (request.path == "/split") return respond({.headers = {{"Location", "a\r\nSet-Cookie: b"}}});
    if (request.path == "/twice") respond({.status = 202});
    http_reply made{.content_type = "text/plain", .headers = {{"Peer", request.peer}}, .body = {}};
    made.body = request.method_name + " " + request.path + " " + request.body;
    respond(std::move(made));
  }
  void failed(std::string_view trace_id, std::string_view what) override {
    const std::lock_guard held{mutex_};
    failure_ = std::string{trace_id}.append(" ").append(what);
  }

  /// The first `count` that asked /later, once all of them have.
  std::vector<http_responder> waiting(std::size_t count) {
    std::unique_lock held{mutex_};
    came_.wait(held, [&] { return waiting_.size() >= count; });
    return std::move(waiting_);
  }
  std::string last_failure() {
    const std::lock_guard held{mutex_};
    return failure_;
  }

private:
  void keep(http_responder respond) {
    const std::lock_guard held{mutex_};
    waiting_.push_back(std::move(respond));
    came_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<http_responder> waiting_;
  std::string failure_;
};

struct server_fixture {
  void start(http_server_options options = {}) {
    options.listen = "127.0.0.1:0";
    // However slow the machine is, clients read why they were refused.
    if (options.linger_ms == http_server_options{}.linger_ms) options.linger_ms = 600'000;
    auto started = http_server::start(options, handler);
    BOOST_REQUIRE_MESSAGE(started, started.error().message);
    server = std::move(*started);
  }
  http_client connected() const { return http_client{server->port()}; }
  const http_counters& counters() const { return server->counters(); }
  /// For what the server does by itself, such as closing a connection that nobody reads.
  template <class Condition>
  static void wait_until(Condition holds) {
    while (not holds())
      std::this_thread::yield();
  }

  path_handler handler;
  std::unique_ptr<http_server> server;
};

} // namespace fairuse
