// SPDX-License-Identifier: Apache-2.0

#include "api/status_listener.hpp"

#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/unit_test.hpp>

using namespace fairuse;

namespace {

using boost::asio::ip::tcp;

struct listener_fixture {
  void start(const status_limits& limits = {}) {
    auto started = status_listener::start("127.0.0.1:0", metrics, beat, limits);
    BOOST_REQUIRE_MESSAGE(started, started.error().message);
    listener = std::move(*started);
  }

  tcp::socket connected() {
    tcp::socket socket{context};
    socket.connect({boost::asio::ip::make_address("127.0.0.1"), listener->port()});
    return socket;
  }

  // All that came until the listener closed; a connection that it reset counts as closed.
  std::string answer_to(std::string_view request) {
    auto socket = connected();
    boost::system::error_code failed;
    boost::asio::write(socket, boost::asio::buffer(request), failed);
    std::string all;
    boost::asio::read(socket, boost::asio::dynamic_buffer(all), failed);
    return all;
  }

  std::string get(std::string_view path) {
    return answer_to("GET " + std::string{path} + " HTTP/1.1\r\nHost: x\r\n\r\n");
  }

  process_metrics metrics;
  heartbeat beat;
  boost::asio::io_context context;
  std::unique_ptr<status_listener> listener;
};

bool is_status(std::string_view answer, std::string_view status) {
  return answer.starts_with("HTTP/1.1 " + std::string{status});
}

bool ends(std::string_view answer, std::string_view body) { return answer.ends_with("\r\n\r\n" + std::string{body}); }

} // namespace

BOOST_FIXTURE_TEST_SUITE(a_status_listener, listener_fixture)

BOOST_AUTO_TEST_CASE(says_that_a_process_lives) {
  start();
  const auto answer = get("/livez");
  BOOST_TEST(is_status(answer, "200"), answer);
  BOOST_TEST(ends(answer, "ok\n"), answer);
}

BOOST_AUTO_TEST_CASE(says_that_a_process_hangs) {
  start({.alive_within_ms = -1});
  const auto answer = get("/livez?verbose");
  BOOST_TEST(is_status(answer, "503"), answer);
  BOOST_TEST(ends(answer, "the main loop has not turned for 0 s\n"), answer);
}

BOOST_AUTO_TEST_CASE(does_not_hang_before_its_loop_has_begun) {
  beat.wait();
  start({.alive_within_ms = -1});
  BOOST_TEST(is_status(get("/livez"), "200"));
  beat.touch();
  BOOST_TEST(is_status(get("/livez"), "503"));
}

BOOST_AUTO_TEST_CASE(says_what_is_missing_until_it_is_ready) {
  std::vector<std::string> missing{"a store", "a gate"};
  auto started = status_listener::start("127.0.0.1:0", metrics, beat, {}, [&missing] { return missing; });
  BOOST_REQUIRE(started);
  listener = std::move(*started);
  const auto answer = get("/readyz");
  BOOST_TEST(is_status(answer, "503"), answer);
  BOOST_TEST(ends(answer, "a store\na gate\n"), answer);
  missing.clear();
  BOOST_TEST(ends(get("/readyz"), "ok\n"));
}

BOOST_AUTO_TEST_CASE(a_process_that_hangs_is_not_ready) {
  start({.alive_within_ms = -1});
  BOOST_TEST(is_status(get("/readyz"), "503"));
}

BOOST_AUTO_TEST_CASE(asks_for_figures_that_are_counted_elsewhere) {
  int asked = 0;
  metrics.show_with([&asked](shown_metrics& to) {
    to.counter("fairuse_test_asked_total", "How often.", ++asked, {{"who", "x"}});
  });
  start();
  BOOST_TEST(get("/metrics").find("fairuse_test_asked_total{who=\"x\"} 1\n") != std::string::npos);
  BOOST_TEST(get("/metrics").find("fairuse_test_asked_total{who=\"x\"} 2\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(shows_figures_in_the_format_of_prometheus) {
  auto& sent = metrics.counter("fairuse_test_sent_total", "What was sent.", {{"result", "2xx"}});
  metrics.gauge("fairuse_test_waiting", "What waits.").Set(7);
  sent.Increment(2);
  // The same name again is the same family.
  metrics.counter("fairuse_test_sent_total", "What was sent.", {{"result", "5xx"}});
  start();
  const auto answer = get("/metrics");
  BOOST_TEST(is_status(answer, "200"), answer);
  for (const std::string_view line :
       {"# HELP fairuse_test_sent_total What was sent.\n", "# TYPE fairuse_test_sent_total counter\n",
        "fairuse_test_sent_total{result=\"2xx\"} 2\n", "fairuse_test_sent_total{result=\"5xx\"} 0\n",
        "fairuse_test_waiting 7\n"})
    BOOST_TEST(answer.find(line) != std::string::npos, line);
  sent.Increment();
  BOOST_TEST(get("/metrics").find("fairuse_test_sent_total{result=\"2xx\"} 3\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(answers_nothing_else) {
  start();
  BOOST_TEST(is_status(get("/"), "404"));
  BOOST_TEST(is_status(get("/livez/x"), "404"));
  BOOST_TEST(is_status(answer_to("POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"), "405"));
  BOOST_TEST(is_status(answer_to("HEAD /livez HTTP/1.1\r\nHost: x\r\n\r\n"), "200"));
  BOOST_TEST(ends(answer_to("HEAD /livez HTTP/1.1\r\nHost: x\r\n\r\n"), ""));
  BOOST_TEST(answer_to("no HTTP at all\r\n\r\n") == "");
}

BOOST_AUTO_TEST_CASE(answers_before_a_body_has_come) {
  start();
  BOOST_TEST(is_status(answer_to("POST /livez HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"), "405"));
}

BOOST_AUTO_TEST_CASE(refuses_long_headers_and_goes_on) {
  start();
  BOOST_TEST(answer_to("GET /livez HTTP/1.1\r\nx: " + std::string(20'000, 'x') + "\r\n\r\n") == "");
  BOOST_TEST(is_status(get("/livez"), "200"));
}

BOOST_AUTO_TEST_CASE(answers_while_others_say_nothing) {
  // Their time never ends here, so only the bound on connections can make room.
  start({.connection_ms = 3'600'000, .connections_max = 8});
  std::vector<tcp::socket> silent;
  silent.reserve(50);
  for (int i = 0; i < 50; ++i)
    silent.push_back(connected());
  BOOST_TEST(is_status(get("/livez"), "200"));
  // The oldest were closed.
  std::string nothing;
  boost::system::error_code failed;
  boost::asio::read(silent.front(), boost::asio::dynamic_buffer(nothing), failed);
  BOOST_TEST(nothing == "");
}

BOOST_AUTO_TEST_CASE(closes_a_connection_whose_time_is_over) {
  start({.connection_ms = 1});
  BOOST_TEST(answer_to("GET /livez") == "");
}

BOOST_AUTO_TEST_CASE(says_why_it_cannot_listen) {
  start();
  const auto taken = "127.0.0.1:" + std::to_string(listener->port());
  const auto again = status_listener::start(taken, metrics, beat);
  BOOST_REQUIRE(not again);
  BOOST_TEST(again.error().message == "cannot listen on " + taken + ": Address already in use");
  for (const std::string text : {"", "9464", "127.0.0.1:", ":9464", "127.0.0.1:70000", "127.0.0.1:x"}) {
    const auto started = status_listener::start(text, metrics, beat);
    BOOST_REQUIRE_MESSAGE(not started, text);
    BOOST_TEST(started.error().message
               == "cannot listen on '" + text + "': write address:port, such as 127.0.0.1:9464");
  }
}

BOOST_AUTO_TEST_SUITE_END()
