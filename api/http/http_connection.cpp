// SPDX-License-Identifier: Apache-2.0
#include "api/http/http_connection.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <optional>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include "api/http/problem.hpp"
#include "api/http/reply_text.hpp"
#include "base/pure/hex.hpp"
#include "engine/clocks.hpp"

namespace fairuse {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// Deadlines are looked at several times within the shortest, but not for nothing.
constexpr std::int64_t looks_per_limit = 4;
constexpr std::int64_t look_ms_max = 250;

// What a refused client may still send while it should read why.
constexpr std::size_t lingered_bytes_max = 16 << 20;

std::int64_t look_ms(const http_server_options& options) {
  const auto shortest = std::min({options.request_ms, options.idle_ms, options.write_ms, options.linger_ms});
  return std::clamp<std::int64_t>(shortest / looks_per_limit, 1, look_ms_max);
}

std::string peer_of(const tcp::socket& socket) {
  error_code failed;
  auto address = socket.remote_endpoint(failed).address();
  // A listener for both kinds of addresses sees the older kind wrapped.
  if (address.is_v6() and address.to_v6().is_v4_mapped())
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  return address.to_string();
}

} // namespace

http_loop::http_loop(const http_server_options& bounds, http_handler& answers, http_counters& counts)
  : options{bounds},
    connections_max{std::max<std::size_t>(bounds.connections_max / bounds.threads, 1)},
    handler{answers},
    counters{counts},
    random{std::random_device{}()} {
  watch();
}

void http_loop::run() {
  thread = std::this_thread::get_id();
  context.run();
}

void http_loop::serve(tcp::socket socket) {
  if (is_stopping) {
    --open;
    return;
  }
  while (idle.size() + busy.size() >= connections_max and not idle.empty()) {
    ++counters.connections_displaced;
    std::shared_ptr { idle.front() } -> close();
  }
  const bool is_full = busy.size() >= connections_max;
  const auto one = std::make_shared<http_connection>(*this, std::move(socket));
  one->place_ = busy.insert(busy.end(), one);
  ++counters.connections;
  ++counters.connections_open;
  if (not is_full) return one->begin();
  ++counters.connections_refused;
  auto full = problem(503, "too_many_connections", "there are as many connections as there may be; try again");
  full.headers.emplace_back("Retry-After", "1");
  one->refuse(std::move(full));
}

void http_loop::begin_stop(std::int64_t grace_ms) {
  is_stopping = true;
  stop_at_ms_ = steady_clock_ms() + grace_ms;
  while (not idle.empty())
    std::shared_ptr { idle.front() } -> close();
  look_at_deadlines();
}

void http_loop::remove(http_connection& one) {
  (one.is_idle_ ? idle : busy).erase(one.place_);
  --open;
  --counters.connections_open;
  if (is_stopping and idle.empty() and busy.empty()) timer_.cancel();
}

// The timer is what keeps the thread running.
void http_loop::watch() {
  timer_.expires_after(std::chrono::milliseconds{look_ms(options)});
  timer_.async_wait([this](error_code) {
    look_at_deadlines();
    if (not is_stopping or not idle.empty() or not busy.empty()) watch();
  });
}

void http_loop::look_at_deadlines() {
  const auto now = steady_clock_ms();
  const bool is_over = is_stopping and now >= stop_at_ms_;
  for (auto* list : {&idle, &busy})
    for (auto at = list->begin(); at != list->end();) {
      // It may leave the list.
      const auto one = *at++;
      if (is_over)
        one->close();
      else
        one->check_deadline(now);
    }
  if (is_stopping and idle.empty() and busy.empty()) timer_.cancel();
}

std::string_view http_loop::date() {
  const auto now = static_cast<std::time_t>(wall_clock_ms() / 1'000);
  if (now != dated_) {
    dated_ = now;
    date_ = http_date(now);
  }
  return date_;
}

http_connection::http_connection(http_loop& loop, tcp::socket socket)
  : loop_{loop}, socket_{std::move(socket)}, peer_{peer_of(socket_)}, reader_{loop.options.bounds} {
  error_code ignored;
  socket_.set_option(tcp::no_delay{true}, ignored);
  socket_.non_blocking(true, ignored);
}

void http_connection::begin() {
  enter(phase::waiting, loop_.options.idle_ms);
  read();
}

void http_connection::refuse(http_reply reply) {
  trace_id_ = reader_.request().trace_id;
  is_head_ = reader_.request().method == http_method::head;
  keeps_alive_ = false;
  write(std::move(reply));
}

void http_connection::answer(std::uint64_t number, http_reply reply) {
  if (phase_ == phase::handling and number == number_) write(std::move(reply));
}

void http_connection::check_deadline(std::int64_t now_ms) {
  if (phase_ == phase::handling or now_ms < deadline_ms_) return;
  if (phase_ != phase::reading) return close();
  ++loop_.counters.requests_refused;
  refuse(problem(408, "request_timeout",
                 "the request did not come within " + std::to_string(loop_.options.request_ms) + " ms"));
}

void http_connection::close() {
  if (phase_ == phase::closed) return;
  phase_ = phase::closed;
  error_code ignored;
  socket_.close(ignored);
  loop_.remove(*this);
}

// Moves this to the list where it belongs: to the end of the idle ones when it begins to wait, to their front when it
// only waits for the other side to be done.
void http_connection::enter(phase next, std::int64_t ms_left) {
  phase_ = next;
  deadline_ms_ = steady_clock_ms() + ms_left;
  const bool becomes_idle = next == phase::waiting or next == phase::lingering;
  auto& to = becomes_idle ? loop_.idle : loop_.busy;
  const auto before = next == phase::lingering ? to.begin() : to.end();
  to.splice(before, is_idle_ ? loop_.idle : loop_.busy, place_);
  is_idle_ = becomes_idle;
}

// At most one read is under way: a refusal may be written while one still waits.
void http_connection::read() {
  if (is_reading_) return;
  is_reading_ = true;
  socket_.async_read_some(asio::buffer(bytes_), [self = shared_from_this()](error_code failed, std::size_t size) {
    self->is_reading_ = false;
    self->on_read(bool{failed}, size);
  });
}

void http_connection::on_read(bool failed, std::size_t size) {
  if (phase_ == phase::closed or phase_ == phase::writing) return;
  if (failed) return close();
  if (phase_ == phase::lingering) {
    lingered_bytes_ += size;
    if (lingered_bytes_ > lingered_bytes_max) return close();
    return read();
  }
  unread_ = {bytes_.data(), size};
  take();
}

void http_connection::take() {
  const auto reached = reader_.take(unread_);
  switch (reached) {
    case request_reader::progress::done:
      return handle_request();
    case request_reader::progress::refused:
      if (not reader_.refusal()) return close();
      ++loop_.counters.requests_refused;
      return refuse(std::move(*reader_.refusal()));
    case request_reader::progress::wants_continue:
      send_continue();
      break;
    case request_reader::progress::more:
      break;
  }
  if (phase_ == phase::waiting and reader_.has_begun()) enter(phase::reading, loop_.options.request_ms);
  if (phase_ != phase::closed) read();
}

// Nothing else is being written, so that these few bytes fit into the system's buffer, or the client reads nothing.
void http_connection::send_continue() {
  constexpr std::string_view text = "HTTP/1.1 100 Continue\r\n\r\n";
  error_code failed;
  if (socket_.write_some(asio::buffer(text), failed) != text.size()) close();
}

void http_connection::handle_request() {
  enter(phase::handling);
  auto request = std::move(reader_.request());
  const auto number = ++number_;
  keeps_alive_ = reader_.keeps_alive();
  is_http_1_0_ = reader_.is_http_1_0();
  is_head_ = request.method == http_method::head;
  reader_ = request_reader{loop_.options.bounds};
  request.peer = peer_;
  if (request.trace_id.empty()) request.trace_id = to_hex(loop_.random()) + to_hex(loop_.random());
  trace_id_ = request.trace_id;
  auto respond = [loop = loop_.weak_from_this(), asked = weak_from_this(), number](http_reply reply) {
    const auto alive = loop.lock();
    if (not alive) return;
    auto give = [asked, number, reply = std::move(reply)]() mutable {
      if (const auto self = asked.lock()) self->answer(number, std::move(reply));
    };
    if (std::this_thread::get_id() == alive->thread)
      give();
    else
      asio::post(alive->context, std::move(give));
  };
  try {
    loop_.handler.handle(std::move(request), http_responder{std::move(respond)});
  } catch (const std::exception& failure) {
    fail(number, failure.what());
  } catch (...) {
    fail(number, "not an exception of the standard library");
  }
}

// A handler that throws is a bug, and one request's.
void http_connection::fail(std::uint64_t number, std::string_view what) {
  ++loop_.counters.handler_failures;
  loop_.handler.failed(trace_id_, what);
  answer(number, internal_problem());
}

void http_connection::write(http_reply reply) {
  if (not can_be_sent(reply)) {
    ++loop_.counters.handler_failures;
    reply = internal_problem();
  }
  if (loop_.is_stopping) keeps_alive_ = false;
  if (trace_id_.empty()) trace_id_ = to_hex(loop_.random()) + to_hex(loop_.random());
  add_trace_id(reply, trace_id_);
  ++loop_.counters.answers[static_cast<std::size_t>(std::clamp(reply.status / 100, 1, 5))];
  text_ = reply_text(reply, {.without_body = is_head_,
                             .keeps_alive = keeps_alive_,
                             .is_http_1_0 = is_http_1_0_,
                             .date = loop_.date(),
                             .trace_id = trace_id_});
  enter(phase::writing, loop_.options.write_ms);
  asio::async_write(socket_, asio::buffer(text_),
                    [self = shared_from_this()](error_code failed, std::size_t) { self->on_written(bool{failed}); });
}

void http_connection::on_written(bool failed) {
  if (phase_ == phase::closed) return;
  if (failed) return close();
  text_ = {};
  if (not keeps_alive_ or loop_.is_stopping) return linger();
  enter(phase::waiting, loop_.options.idle_ms);
  if (unread_.empty()) return read();
  take();
}

// A socket that is closed with bytes unread takes the last answer with it, so what still comes is read and dropped.
void http_connection::linger() {
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  enter(phase::lingering, loop_.options.linger_ms);
  read();
}

} // namespace fairuse
