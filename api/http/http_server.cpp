// SPDX-License-Identifier: Apache-2.0
#include "api/http/http_server.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "api/http/http_connection.hpp"
#include "api/http/listen_address.hpp"
#include "api/http/problem.hpp"

namespace fairuse {

namespace {

using boost::asio::ip::tcp;

} // namespace

http_responder::http_responder(http_responder&& from) noexcept : take_{std::exchange(from.take_, nullptr)} {}

http_responder& http_responder::operator=(http_responder&& from) noexcept {
  std::swap(take_, from.take_);
  return *this;
}

http_responder::~http_responder() {
  if (take_) take_(internal_problem());
}

void http_responder::operator()(http_reply reply) {
  if (const auto take = std::exchange(take_, nullptr)) take(std::move(reply));
}

struct http_server::body {
  body(const http_server_options& options, http_handler& handler) {
    for (std::size_t i = 0; i < options.threads; ++i)
      loops.push_back(std::make_shared<http_loop>(options, handler, counters));
    acceptor.emplace(loops.front()->context);
    pause.emplace(loops.front()->context);
  }

  // Each connection goes to the thread that has the fewest.
  http_loop& next_loop() const {
    return **std::min_element(loops.begin(), loops.end(),
                              [](const auto& left, const auto& right) { return left->open < right->open; });
  }

  void accept() {
    // A connection may have come before the acceptor was closed, and be told of afterwards.
    if (not acceptor->is_open()) return;
    auto& loop = next_loop();
    acceptor->async_accept(loop.context, [this, &loop](boost::system::error_code failed, tcp::socket socket) {
      if (failed == boost::asio::error::operation_aborted) return;
      if (failed) return accept_later();
      ++loop.open;
      if (&loop == loops.front().get())
        loop.serve(std::move(socket));
      else
        boost::asio::post(loop.context, [&loop, taken = std::move(socket)]() mutable { loop.serve(std::move(taken)); });
      accept();
    });
  }

  // Out of descriptors, as a rule: those that wait in the system's queue get their turn a moment later.
  void accept_later() {
    pause->expires_after(std::chrono::milliseconds{100});
    pause->async_wait([this](boost::system::error_code stopped) {
      if (not stopped) accept();
    });
  }

  void begin_stop(std::int64_t grace_ms) {
    boost::asio::post(loops.front()->context, [this] {
      boost::system::error_code ignored;
      acceptor->close(ignored);
      pause->cancel();
    });
    for (const auto& loop : loops)
      boost::asio::post(loop->context, [loop = loop.get(), grace_ms] { loop->begin_stop(grace_ms); });
  }

  http_counters counters;
  std::vector<std::shared_ptr<http_loop>> loops;
  // Both of the first loop.
  std::optional<tcp::acceptor> acceptor;
  std::optional<boost::asio::steady_timer> pause;
  std::vector<std::thread> threads;
  std::uint16_t port = 0;
};

http_server::http_server(std::unique_ptr<body> all) : body_{std::move(all)} {}

http_server::~http_server() { stop(0); }

result<std::unique_ptr<http_server>> http_server::start(const http_server_options& options, http_handler& handler) {
  auto all = std::make_unique<body>(options, handler);
  if (const auto opened = listen_at(options.listen, *all->acceptor); not opened) return opened.error();
  all->port = all->acceptor->local_endpoint().port();
  all->accept();
  for (const auto& loop : all->loops)
    all->threads.emplace_back([loop = loop.get()] { loop->run(); });
  return std::unique_ptr<http_server>{new http_server{std::move(all)}};
}

std::uint16_t http_server::port() const { return body_->port; }

const http_counters& http_server::counters() const { return body_->counters; }

void http_server::stop(std::int64_t grace_ms) {
  if (body_->threads.empty()) return;
  body_->begin_stop(grace_ms);
  for (auto& each : body_->threads)
    each.join();
  body_->threads.clear();
}

} // namespace fairuse
