// SPDX-License-Identifier: Apache-2.0
//
// What ends by itself: requests that do not come, answers that nobody reads, too many connections, the server.

#include <deque>

#include <boost/test/unit_test.hpp>

#include "tests/api/http/client.hpp"

using namespace fairuse;

namespace {

constexpr std::string_view later = "GET /later HTTP/1.1\r\nHost: x\r\n\r\n";

} // namespace

BOOST_FIXTURE_TEST_SUITE(a_bounded_http_server, server_fixture)

BOOST_AUTO_TEST_CASE(does_not_wait_for_the_rest_of_a_request) {
  start({.request_ms = 20});
  for (const std::string_view begun :
       {"G", "GET / HTTP/1.1\r\nHost: x\r\n", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nab",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n"}) {
    auto client = connected();
    const auto got = client.ask(begun);
    BOOST_TEST(got.status == 408, begun);
    BOOST_TEST(got.body.find(R"("reason":"request_timeout")") != std::string::npos, got.body);
    BOOST_TEST(got.has("Connection: close"));
  }
}

BOOST_AUTO_TEST_CASE(does_not_wait_for_a_request_that_comes_drop_by_drop) {
  start({.bounds = {.header_bytes_max = 1 << 30}, .request_ms = 20});
  auto client = connected();
  client.send("GET / HTTP/1.1\r\nHost: ");
  while (not client.has_answer() and client.send("x"))
    continue;
  BOOST_TEST(client.answer().status == 408);
}

BOOST_AUTO_TEST_CASE(closes_a_connection_on_which_nothing_comes) {
  start({.idle_ms = 20});
  auto silent = connected();
  BOOST_TEST(silent.rest() == "");
  auto client = connected();
  // On a slow machine the request itself may come too late.
  client.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n\r\n");
  const auto all = client.rest();
  BOOST_TEST((all.empty() or all.starts_with("HTTP/1.1 200 ")), all);
}

BOOST_AUTO_TEST_CASE(closes_a_connection_whose_answer_nobody_reads) {
  start({.write_ms = 20});
  auto client = connected();
  client.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
  wait_until([&] { return counters().connections == 1U and counters().connections_open == 0U; });
  BOOST_TEST(client.answer().body.size() < std::size_t{32 << 20});
}

BOOST_AUTO_TEST_CASE(closes_a_connection_whose_client_does_not) {
  start({.linger_ms = 20});
  auto client = connected();
  client.ask("GET / HTTP/1.0\r\n\r\n");
  wait_until([&] { return counters().connections == 1U and counters().connections_open == 0U; });
}

BOOST_AUTO_TEST_CASE(displaces_the_longest_idle_connection_for_a_new_one) {
  constexpr std::size_t most = 20;
  constexpr std::size_t more = 1'000;
  start({.connections_max = most});
  std::vector<http_client> clients;
  for (std::size_t i = 0; i < most; ++i) {
    clients.push_back(connected());
    BOOST_REQUIRE(clients.back().get("/a").status == 200);
  }
  // It was the first to come, but the last to ask.
  BOOST_REQUIRE(clients.front().get("/a").status == 200);
  std::deque<http_client> newer;
  newer.push_back(connected());
  BOOST_REQUIRE(newer.back().get("/a").status == 200);
  BOOST_TEST(clients[1].rest() == "");
  BOOST_TEST(clients.front().get("/a").status == 200);
  for (std::size_t i = 1; i < more; ++i) {
    newer.push_back(connected());
    BOOST_REQUIRE(newer.back().get("/a").status == 200);
    BOOST_REQUIRE(counters().connections_open <= most);
    if (newer.size() > 2 * most) newer.pop_front();
  }
  BOOST_TEST(clients.front().rest() == "");
  BOOST_TEST(counters().connections == most + more);
  BOOST_TEST(counters().connections_refused == 0U);
}

BOOST_AUTO_TEST_CASE(refuses_a_connection_when_none_is_idle) {
  start({.connections_max = 2});
  auto first = connected();
  auto second = connected();
  first.send(later);
  second.send(later);
  auto waiting = handler.waiting(2);
  auto third = connected();
  const auto got = third.answer();
  BOOST_TEST(got.status == 503);
  BOOST_TEST(got.has("Retry-After: 1"));
  BOOST_TEST(got.body.find(R"("reason":"too_many_connections")") != std::string::npos, got.body);
  BOOST_TEST(counters().connections_refused == 1U);
  for (auto& respond : waiting)
    respond({.status = 204});
  BOOST_TEST(first.answer().status == 204);
  BOOST_TEST(second.answer().status == 204);
  BOOST_TEST(connected().get("/a").status == 200);
}

BOOST_AUTO_TEST_CASE(stops_after_the_requests_under_way) {
  start({.threads = 2});
  // One of each thread, to see when it stops.
  auto idle = connected();
  auto other_idle = connected();
  BOOST_TEST(idle.get("/a").status == 200);
  BOOST_TEST(other_idle.get("/a").status == 200);
  auto client = connected();
  client.send(std::string{later}.append("GET /a HTTP/1.1\r\nHost: x\r\n\r\n"));
  auto waiting = handler.waiting(1);
  const auto port = server->port();
  std::thread stopping{[this] { server->stop(600'000); }};
  BOOST_TEST(idle.rest() == "");
  BOOST_TEST(other_idle.rest() == "");
  // The server waits for clients to be done.
  idle.close();
  other_idle.close();
  waiting.front()({.status = 202});
  const auto got = client.answer();
  BOOST_TEST(got.status == 202);
  BOOST_TEST(got.has("Connection: close"));
  BOOST_TEST(client.rest() == "");
  client.close();
  stopping.join();
  BOOST_CHECK_THROW(http_client{port}, boost::system::system_error);
  BOOST_TEST(counters().connections_open == 0U);
  // Again does nothing.
  server->stop(600'000);
}

BOOST_AUTO_TEST_CASE(stops_without_those_that_take_too_long) {
  start();
  auto asked = connected();
  asked.send(later);
  auto waiting = handler.waiting(1);
  auto begun = connected();
  begun.send("GET /a HTTP/1.1\r\n");
  server->stop(20);
  BOOST_TEST(asked.rest() == "");
  BOOST_TEST(begun.rest() == "");
  waiting.front()({.status = 202});
}

BOOST_AUTO_TEST_SUITE_END()
