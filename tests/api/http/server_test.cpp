// SPDX-License-Identifier: Apache-2.0
//
// What a client gets from a server, over real sockets.

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "tests/api/http/client.hpp"
#include "tests/api/http/hostile_client.hpp"
#include "tests/api/http/packed.hpp"
#include "tests/api/http/read_all.hpp"
#include "tests/wanted_seeds.hpp"

using namespace fairuse;

namespace {

constexpr std::string_view traced =
    "GET / HTTP/1.1\r\nHost: x\r\n"
    "Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n";

bool is_trace_id(std::string_view text) {
  return text.size() == 32 and text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// The problem, whose trace id must be that of the header.
nlohmann::json problem_in(const http_answer& got) {
  BOOST_TEST(got.has("Content-Type: application/problem+json"), got.head);
  const auto problem = nlohmann::json::parse(got.body);
  BOOST_TEST(problem["status"] == got.status);
  BOOST_TEST(is_trace_id(got.header("Trace-Id")), got.head);
  BOOST_TEST(problem["trace_id"] == got.header("Trace-Id"));
  return problem;
}

std::string reason_in(const http_answer& got) { return problem_in(got)["reason"]; }

} // namespace

BOOST_FIXTURE_TEST_SUITE(an_http_server, server_fixture)

BOOST_AUTO_TEST_CASE(answers_with_what_every_answer_has) {
  start();
  auto client = connected();
  const auto got = client.get("/a%20b?c=d");
  BOOST_TEST(got.status == 200);
  BOOST_TEST(got.body == "GET /a b ");
  BOOST_TEST(got.has("Content-Length: 9"));
  BOOST_TEST(got.has("Cache-Control: no-store"));
  BOOST_TEST(got.has("X-Content-Type-Options: nosniff"));
  BOOST_TEST(got.has("Peer: 127.0.0.1"));
  BOOST_TEST(got.header("Date").ends_with(" GMT"));
  BOOST_TEST(is_trace_id(got.header("Trace-Id")), got.head);
  BOOST_TEST(got.header("Server") == "");
  BOOST_TEST(got.header("Connection") == "");
  BOOST_TEST(client.ask(traced).has("Trace-Id: 0af7651916cd43dd8448eb211c80319c"));
  BOOST_TEST(client.get("/").header("Trace-Id") != got.header("Trace-Id"));
  BOOST_TEST(counters().answers[2] == 3U);
  BOOST_TEST(counters().connections == 1U);
  BOOST_TEST(counters().connections_open == 1U);
}

BOOST_AUTO_TEST_CASE(answers_head_without_the_body) {
  start();
  auto client = connected();
  client.send("HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto got = client.answer(true);
  BOOST_TEST(got.status == 200);
  BOOST_TEST(got.has("Content-Length: 8"));
  BOOST_TEST(client.get("/a").body == "GET /a ");
}

BOOST_AUTO_TEST_CASE(closes_when_the_client_wishes) {
  start();
  auto closing = connected();
  closing.send("GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n");
  BOOST_TEST(closing.answer().has("Connection: close"));
  BOOST_TEST(closing.rest() == "");
  auto old = connected();
  BOOST_TEST(old.ask("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").has("Connection: keep-alive"));
  BOOST_TEST(old.ask("GET /a HTTP/1.0\r\n\r\n").has("Connection: close"));
  BOOST_TEST(old.rest() == "");
}

BOOST_AUTO_TEST_CASE(answers_many_requests_sent_at_once_in_their_order) {
  start();
  auto client = connected();
  constexpr int count = 100;
  std::string all;
  for (int i = 0; i < count; ++i) {
    const auto body = std::string(static_cast<std::size_t>(i) * 17, 'b');
    all += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size())
           + "\r\n\r\n" + body;
  }
  client.send(all);
  client.end();
  for (int i = 0; i < count; ++i)
    BOOST_TEST(client.answer().body
               == "POST /" + std::to_string(i) + " " + std::string(static_cast<std::size_t>(i) * 17, 'b'));
  BOOST_TEST(client.rest() == "");
}

BOOST_AUTO_TEST_CASE(takes_a_request_byte_by_byte) {
  start();
  auto client = connected();
  for (const char each :
       std::string{"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"})
    client.send({&each, 1});
  BOOST_TEST(client.answer().body == "POST /a abc");
}

BOOST_AUTO_TEST_CASE(tells_a_client_that_waits_to_go_on) {
  start();
  auto client = connected();
  const auto word = client.ask("POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  BOOST_TEST(word.status == 100);
  BOOST_TEST(client.ask("abc").body == "POST /a abc");
}

BOOST_AUTO_TEST_CASE(answers_later_and_in_order) {
  start();
  auto client = connected();
  client.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  auto waiting = handler.waiting(1);
  // Another client is served meanwhile.
  BOOST_TEST(connected().get("/b").status == 200);
  waiting.front()({.status = 202});
  // Only the first answer counts.
  waiting.front()({.status = 500});
  BOOST_TEST(client.answer().status == 202);
  BOOST_TEST(client.answer().body == "GET /a ");
}

BOOST_AUTO_TEST_CASE(answers_for_a_handler_that_does_not) {
  start();
  auto client = connected();
  BOOST_TEST(reason_in(client.get("/drop")) == "internal_error");
  BOOST_TEST(counters().handler_failures == 0U);
  const auto got = client.get("/throw");
  BOOST_TEST(reason_in(got) == "internal_error");
  BOOST_TEST(got.body.find("a bug") == std::string::npos);
  // The answer may come before it is told of.
  BOOST_TEST(client.get("/a").body == "GET /a ");
  BOOST_TEST(handler.last_failure() == got.header("Trace-Id") + " a bug");
  BOOST_TEST(client.get("/throw-after").status == 500);
  handler.waiting(1).front()({.status = 202});
  BOOST_TEST(client.get("/split").status == 500);
  BOOST_TEST(client.get("/twice").status == 202);
  BOOST_TEST(client.get("/a").body == "GET /a ");
  BOOST_TEST(counters().handler_failures == 3U);
  BOOST_TEST(counters().answers[5] == 4U);
}

BOOST_AUTO_TEST_CASE(does_nothing_with_an_answer_that_nobody_waits_for) {
  start();
  auto gone = connected();
  gone.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  auto waiting = handler.waiting(1);
  gone.close();
  waiting.front()({.body = std::string(1 << 20, 'x')});
  BOOST_TEST(connected().get("/a").status == 200);
  wait_until([&] { return counters().connections_open == 0U; });
  auto other = connected();
  other.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  waiting = handler.waiting(1);
  server.reset();
  BOOST_TEST(other.rest() == "");
  waiting.front()({.status = 200});
}

BOOST_AUTO_TEST_CASE(refuses_with_a_problem_and_closes) {
  start();
  const auto refused = [this](std::string_view bytes, int status, std::string_view reason) {
    auto client = connected();
    client.send(bytes);
    const auto got = client.answer();
    BOOST_TEST(got.status == status, got.head);
    BOOST_TEST(got.has("Connection: close"), got.head);
    BOOST_TEST(reason_in(got) == reason);
    client.end();
    BOOST_TEST(client.rest() == "");
  };
  refused("no HTTP at all\r\n\r\n", 400, "malformed_request");
  refused("GET /../a HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_path");
  refused(
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /a "
      "HTTP/1.1\r\n\r\n",
      400, "malformed_request");
  refused("POST / HTTP/1.1\r\nHost: x\r\n\r\n", 411, "length_required");
  refused("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: x\r\n\r\nabc", 417, "expectation_failed");
  refused("GET /" + std::string(1 << 20, 'a'), 414, "uri_too_long");
  refused("GET / HTTP/1.1\r\nHost: " + std::string(1 << 20, 'a'), 431, "headers_too_large");
  constexpr std::size_t body = 3 << 20;
  refused("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body) + "\r\n\r\n" + std::string(body, 'b'),
          413, "body_too_large");
  auto client = connected();
  const auto other = client.ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\nabc");
  BOOST_TEST(reason_in(other) == "unsupported_encoding");
  BOOST_TEST(other.has("Accept-Encoding: gzip"));
  BOOST_TEST(counters().requests_refused == 9U);
  auto preface = connected();
  preface.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  BOOST_TEST(preface.rest() == "");
}

BOOST_AUTO_TEST_CASE(keeps_the_trace_id_of_a_request_that_it_refuses) {
  start();
  auto client = connected();
  const auto got = client.ask(
      "POST / HTTP/1.1\r\nHost: x\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-"
      "b7ad6b7169203331-00\r\nContent-Length: x\r\n\r\n");
  BOOST_TEST(problem_in(got)["trace_id"] == "0af7651916cd43dd8448eb211c80319c");
}

BOOST_AUTO_TEST_CASE(serves_with_several_threads) {
  start({.threads = 3});
  std::vector<http_client> clients;
  for (int i = 0; i < 60; ++i)
    clients.push_back(connected());
  for (int round = 0; round < 5; ++round) {
    for (auto& client : clients)
      client.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    for (auto& client : clients)
      BOOST_TEST(client.answer().body == "GET /a ");
  }
  BOOST_TEST(counters().answers[2] == 300U);
}

BOOST_AUTO_TEST_CASE(answers_or_closes_whatever_it_is_sent) {
  start();
  const auto [first, last] = wanted_seeds("1..500");
  for (auto seed = first; seed <= last; ++seed) {
    hostile_client hostile{seed};
    const auto bytes = hostile.bytes();
    auto client = connected();
    for (const auto piece : hostile.cut(bytes))
      if (not client.send(piece)) break;
    client.end();
    // The reader alone says what must come: an answer to each whole request, then a refusal or the end.
    for (const auto& line : read_all({bytes}, {})) {
      const auto got = client.answer();
      const auto status = line == "more" or line == "close" ? 0 : parse_number<int>(line).value_or(200);
      BOOST_REQUIRE_MESSAGE(got.status == status, "seed " << seed << ": " << line << " got " << got.status);
      if (status == 200)
        BOOST_REQUIRE_MESSAGE(got.body == line, "seed " << seed << ": " << line << " got " << got.body);
    }
    BOOST_REQUIRE_MESSAGE(client.rest() == "", "seed " << seed);
  }
  BOOST_TEST(counters().answers[5] == 0U);
}

BOOST_AUTO_TEST_CASE(says_why_it_cannot_listen) {
  start();
  const auto taken = "127.0.0.1:" + std::to_string(server->port());
  const auto again = http_server::start({.listen = taken}, handler);
  BOOST_REQUIRE(not again);
  BOOST_TEST(again.error().message == "cannot listen on " + taken + ": Address already in use");
  const auto nowhere = http_server::start({.listen = "8080"}, handler);
  BOOST_REQUIRE(not nowhere);
  BOOST_TEST(nowhere.error().message.starts_with("cannot listen on '8080': write address:port"));
}

BOOST_AUTO_TEST_SUITE_END()
