// SPDX-License-Identifier: Apache-2.0
#include "api/status_listener.hpp"

#include <chrono>
#include <list>
#include <thread>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_static_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <prometheus/text_serializer.h>

#include "api/http/listen_address.hpp"
#include "engine/clocks.hpp"

namespace fairuse {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

constexpr std::uint32_t header_bytes_max = 8 << 10;

struct reply {
  http::status status = http::status::ok;
  std::string text;
};

// One connection: reads one request, answers it, closes.
struct connection {
  connection(tcp::socket socket) : stream{std::move(socket)} {
    parser.header_limit(header_bytes_max);
    parser.body_limit(0);
  }

  beast::tcp_stream stream;
  beast::flat_static_buffer<header_bytes_max> buffer;
  http::request_parser<http::empty_body> parser;
  http::response<http::string_body> answer;
};

} // namespace

prometheus::Counter& process_metrics::counter(const std::string& name, const std::string& help, const labels& of) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry_).Add(of);
}

prometheus::Gauge& process_metrics::gauge(const std::string& name, const std::string& help, const labels& of) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry_).Add(of);
}

void process_metrics::show_with(std::function<void(shown_metrics&)> show) {
  const std::lock_guard guard{mutex_};
  shown_with_.push_back(std::move(show));
}

std::string process_metrics::text() const {
  shown_metrics shown;
  {
    const std::lock_guard guard{mutex_};
    for (const auto& each : shown_with_)
      each(shown);
  }
  auto all = registry_.Collect();
  for (auto& each : shown.take())
    all.push_back(std::move(each));
  return prometheus::TextSerializer{}.Serialize(all);
}

void heartbeat::touch() { at_ms_ = steady_clock_ms(); }

std::int64_t heartbeat::age_ms() const { return steady_clock_ms() - at_ms_; }

struct status_listener::body {
  body(const process_metrics& shown, const heartbeat& heard, const status_limits& bounds, readiness wanted)
    : metrics{shown}, beat{heard}, limits{bounds}, missing{std::move(wanted)} {}

  result<void> open(const std::string& listen) {
    if (auto opened = listen_at(listen, acceptor); not opened) return opened;
    port = acceptor.local_endpoint().port();
    accept();
    thread = std::thread{[this] { context.run(); }};
    return {};
  }

  void accept() {
    acceptor.async_accept([this](boost::system::error_code failed, tcp::socket socket) {
      if (failed == asio::error::operation_aborted) return;
      if (failed) {
        // Out of descriptors, as a rule: those that wait in the system's queue get their turn a moment later.
        pause.expires_after(std::chrono::milliseconds{100});
        pause.async_wait([this](boost::system::error_code stopped) {
          if (not stopped) accept();
        });
        return;
      }
      serve(std::move(socket));
      accept();
    });
  }

  void serve(tcp::socket socket) {
    if (open_connections.size() >= limits.connections_max) open_connections.front().stream.close();
    const auto at = open_connections.emplace(open_connections.end(), std::move(socket));
    at->stream.expires_after(std::chrono::milliseconds{limits.connection_ms});
    // A body is not wanted, and not read: Beast of Debian 12 fails an assertion when a last chunk comes in small
    // pieces.
    http::async_read_header(at->stream, at->buffer, at->parser,
                            [this, at](boost::system::error_code failed, std::size_t) {
                              // A connection that ended, and what is no HTTP, get no answer.
                              if (failed and failed != http::error::body_limit)
                                open_connections.erase(at);
                              else
                                send_answer(at);
                            });
  }

  void send_answer(std::list<connection>::iterator at) {
    const auto& request = at->parser.get();
    auto made = answer_to(request);
    auto& answer = at->answer;
    answer.result(made.status);
    answer.version(request.version());
    answer.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
    answer.set(http::field::cache_control, "no-store");
    answer.keep_alive(false);
    answer.content_length(made.text.size());
    if (request.method() != http::verb::head) answer.body() = std::move(made.text);
    http::async_write(at->stream, answer, [this, at](boost::system::error_code, std::size_t) {
      boost::system::error_code ignored;
      at->stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
      open_connections.erase(at);
    });
  }

  reply answer_to(const http::request<http::empty_body>& request) const {
    if (request.method() != http::verb::get and request.method() != http::verb::head)
      return {http::status::method_not_allowed, "only GET\n"};
    const auto path = request.target().substr(0, request.target().find('?'));
    if (path == "/metrics") return {http::status::ok, metrics.text()};
    if (path == "/livez") return answer_of(hangs());
    if (path == "/readyz") return answer_of(hangs() + what_is_missing());
    return {http::status::not_found, "there are /livez, /readyz and /metrics\n"};
  }

  static reply answer_of(std::string wrong) {
    if (wrong.empty()) return {http::status::ok, "ok\n"};
    return {http::status::service_unavailable, std::move(wrong)};
  }

  std::string hangs() const {
    if (not beat.has_begun()) return {};
    const auto age_ms = beat.age_ms();
    if (age_ms <= limits.alive_within_ms) return {};
    return "the main loop has not turned for " + std::to_string(age_ms / 1'000) + " s\n";
  }

  std::string what_is_missing() const {
    if (not beat.has_begun()) return "the main loop has not begun\n";
    std::string text;
    if (missing)
      for (const auto& each : missing())
        text.append(each).push_back('\n');
    return text;
  }

  const process_metrics& metrics;
  const heartbeat& beat;
  const status_limits limits;
  const readiness missing;
  asio::io_context context{1};
  tcp::acceptor acceptor{context};
  asio::steady_timer pause{context};
  /// Oldest first. Of the thread alone.
  std::list<connection> open_connections;
  std::uint16_t port = 0;
  std::thread thread;
};

status_listener::status_listener(std::unique_ptr<body> all) : body_{std::move(all)} {}

status_listener::~status_listener() {
  body_->context.stop();
  if (body_->thread.joinable()) body_->thread.join();
}

result<std::unique_ptr<status_listener>> status_listener::start(const std::string& listen,
                                                                const process_metrics& metrics, const heartbeat& beat,
                                                                const status_limits& limits, readiness missing) {
  auto all = std::make_unique<body>(metrics, beat, limits, std::move(missing));
  if (auto opened = all->open(listen); not opened) return opened.error();
  return std::unique_ptr<status_listener>{new status_listener{std::move(all)}};
}

std::uint16_t status_listener::port() const { return body_->port; }

} // namespace fairuse
