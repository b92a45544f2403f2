// SPDX-License-Identifier: Apache-2.0
//
// Values without a server: requests' parts, problems, routes, replies as bytes.

#include <array>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "api/http/gzip.hpp"
#include "api/http/http_message.hpp"
#include "api/http/problem.hpp"
#include "api/http/reply_text.hpp"
#include "api/http/request_target.hpp"
#include "api/http/router.hpp"
#include "base/pure/trace_id.hpp"
#include "events/time_text.hpp"
#include "tests/api/http/packed.hpp"

using namespace fairuse;
using namespace std::string_view_literals;

namespace {

struct target_row {
  std::string_view target;
  std::string_view path;
  std::string_view query;
};

enum class operation { list, add, show };

const router<operation> routes{{{http_method::get, "/v1/cases", operation::list},
                                {http_method::post, "/v1/cases", operation::add},
                                {http_method::get, "/v1/cases/newest", operation::list},
                                {http_method::get, "/v1/cases/{reference}", operation::show},
                                {http_method::get, "/v1/users/{uid}/cases/{reference}", operation::show}}};

http_request asked(http_method method, std::string path) {
  http_request made;
  made.method = method;
  made.path = std::move(path);
  return made;
}

std::string allow_of_refusal(http_method method, std::string path) {
  const auto found = routes.find(asked(method, std::move(path)));
  BOOST_REQUIRE(not found);
  BOOST_TEST(found.error().status == 405);
  BOOST_REQUIRE(found.error().headers.size() == 1U);
  BOOST_TEST(found.error().headers.front().first == "Allow");
  return found.error().headers.front().second;
}

} // namespace

BOOST_AUTO_TEST_SUITE(a_target)

BOOST_AUTO_TEST_CASE(is_decoded_once) {
  constexpr std::array rows = {
      target_row{"/", "/", ""},
      target_row{"/v1/gate", "/v1/gate", ""},
      target_row{"/v1/gate?", "/v1/gate", ""},
      target_row{"/a?b=c%20d&e=f+g?h/../i", "/a", "b=c%20d&e=f+g?h/../i"},
      target_row{"/%61%20b+c", "/a b+c", ""},
      target_row{"/%C3%A4", "/\xC3\xA4", ""},
      target_row{"/%252e%252e/%252f", "/%2e%2e/%2f", ""},
      target_row{"/.../..a/a../.b", "/.../..a/a../.b", ""},
      target_row{"/a//b/", "/a//b/", ""},
  };
  for (const auto& row : rows) {
    const auto read = read_request_target(row.target);
    BOOST_REQUIRE_MESSAGE(read, row.target);
    BOOST_TEST(read->path == row.path);
    BOOST_TEST(read->query == row.query);
  }
}

BOOST_AUTO_TEST_CASE(is_refused_if_another_reader_could_see_another_path) {
  constexpr std::array targets = {
      "a"sv,
      "*"sv,
      "http://host/v1"sv,
      "host:443"sv,
      "/a#b"sv,
      "/a?b#c"sv,
      "/%"sv,
      "/%4"sv,
      "/%g0"sv,
      "/%-1"sv,
      "/%+1"sv,
      "/% 1"sv,
      "/%0x"sv,
      "/%00"sv,
      "/a%0d%0ab"sv,
      "/%7f"sv,
      "/%1b"sv,
      "/a%2fb"sv,
      "/a%2Fb"sv,
      "/.."sv,
      "/../a"sv,
      "/a/.."sv,
      "/a/../b"sv,
      "/."sv,
      "/a/./b"sv,
      "/%2e%2e/a"sv,
      "/%2E./a"sv,
      "/.%2e"sv,
      "/%2e"sv,
      "/%ff"sv,
      "/%c0%af"sv,
      "/%c0%ae%c0%ae/"sv,
      "/%ed%a0%80"sv,
      "/a?%"sv,
      "/a?b=%zz"sv,
      "/a?%00"sv,
      "/a?b=%0d%0a"sv,
      "/a?b=%ff"sv,
      "/a/..?b"sv,
  };
  for (const auto target : targets) {
    const auto read = read_request_target(target);
    BOOST_REQUIRE_MESSAGE(not read, target);
    BOOST_TEST(read.error().message.starts_with("the "), read.error().message);
  }
}

BOOST_AUTO_TEST_CASE(gives_the_values_of_its_query) {
  http_request request;
  request.query = "a=1&&b=%26+x%3D&c&a=2&=d&e==";
  const http_fields wanted = {{"a", "1"}, {"b", "& x="}, {"c", ""}, {"a", "2"}, {"", "d"}, {"e", "="}};
  BOOST_TEST((request.query_values() == wanted));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(a_request_gives)

BOOST_AUTO_TEST_CASE(its_headers_and_its_media_type) {
  http_request request;
  BOOST_TEST(request.media_type() == "");
  BOOST_TEST(not request.header("content-type"));
  request.headers = {{"accept", ""}, {"content-type", "Application/JSON ; charset=utf-8"}};
  BOOST_TEST(request.media_type() == "application/json");
  BOOST_TEST(request.header("accept").value() == "");
}

BOOST_AUTO_TEST_CASE(its_trace_id_if_traceparent_is_what_it_should_be) {
  constexpr auto good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"sv;
  BOOST_TEST(trace_id_of(good).value() == "0af7651916cd43dd8448eb211c80319c");
  // Of a later version, with more behind it.
  BOOST_TEST(trace_id_of("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").has_value());
  BOOST_TEST(trace_id_of("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what").has_value());
  for (const auto bad : {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what"sv,
                         "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.what"sv,
                         "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"sv,
                         "00-00000000000000000000000000000000-b7ad6b7169203331-01"sv,
                         "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"sv,
                         "00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01"sv,
                         "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"sv, ""sv, "00"sv, "x"sv})
    BOOST_TEST(not trace_id_of(bad), bad);
  for (std::size_t size = 0; size < good.size(); ++size)
    BOOST_TEST(not trace_id_of(good.substr(0, size)), good.substr(0, size));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(a_problem)

BOOST_AUTO_TEST_CASE(has_its_members_in_one_order) {
  auto made = problem(
      429, "budget_exhausted", "used up: \"today\"",
      {{"scope", "budget"}, {"limit_ms", 1'800'000}, {"resets_at", problem_time{*time_from("2026-03-02T00:00:00Z")}}});
  add_trace_id(made, "0af7651916cd43dd8448eb211c80319c");
  BOOST_TEST(made.status == 429);
  BOOST_TEST(made.content_type == "application/problem+json");
  BOOST_TEST(made.body
             == R"({"type":"about:blank","title":"Too Many Requests","status":429,"detail":"used up: \"today\"",)"
                R"("reason":"budget_exhausted","scope":"budget","limit_ms":1800000,)"
                R"("resets_at":"2026-03-02T00:00:00.000Z","trace_id":"0af7651916cd43dd8448eb211c80319c"})");
}

BOOST_AUTO_TEST_CASE(alone_gets_a_trace_id) {
  http_reply other{.content_type = "application/json", .headers = {}, .body = "{}"};
  add_trace_id(other, "0af7651916cd43dd8448eb211c80319c");
  BOOST_TEST(other.body == "{}");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(a_router)

BOOST_AUTO_TEST_CASE(finds_the_first_route_that_fits) {
  BOOST_TEST((routes.find(asked(http_method::get, "/v1/cases"))->target == operation::list));
  BOOST_TEST((routes.find(asked(http_method::post, "/v1/cases"))->target == operation::add));
  BOOST_TEST((routes.find(asked(http_method::get, "/v1/cases/newest"))->target == operation::list));
  const auto one = routes.find(asked(http_method::head, "/v1/cases/FU-0123456789AB"));
  BOOST_TEST((one->target == operation::show));
  BOOST_TEST((one->values == std::vector<std::string>{"FU-0123456789AB"}));
  const auto two = routes.find(asked(http_method::get, "/v1/users/u 1/cases/{reference}"));
  BOOST_TEST((two->values == std::vector<std::string>{"u 1", "{reference}"}));
}

BOOST_AUTO_TEST_CASE(says_that_there_is_no_such_path) {
  for (const std::string path : {"/", "/v1", "/v1/", "/v1/cases/", "/v1/cases/a/", "/v1/cases/a/b", "//v1/cases",
                                 "/v1/casesx", "/V1/cases", "/v1/users//cases/a", "/v1/users/a/cases/"}) {
    const auto found = routes.find(asked(http_method::get, path));
    BOOST_REQUIRE_MESSAGE(not found, path);
    BOOST_TEST(found.error().status == 404);
  }
}

BOOST_AUTO_TEST_CASE(says_which_methods_a_path_takes) {
  BOOST_TEST(allow_of_refusal(http_method::other, "/v1/cases") == "GET, HEAD, POST");
  BOOST_TEST(allow_of_refusal(http_method::post, "/v1/cases/a") == "GET, HEAD");
  const router<int> posts{{{http_method::post, "/v1/gate", 1}}};
  BOOST_TEST(posts.find(asked(http_method::head, "/v1/gate")).error().headers.front().second == "POST");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(a_reply)

BOOST_AUTO_TEST_CASE(is_written_with_what_the_server_adds) {
  const http_reply made{
      .status = 202, .content_type = "text/plain", .headers = {{"Retry-After", "3"}}, .body = "taken\n"};
  const std::string head =
      "HTTP/1.1 202 Accepted\r\nDate: D\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n"
      "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nTrace-Id: T\r\n";
  BOOST_TEST(reply_text(made, {.date = "D", .trace_id = "T"}) == head + "Retry-After: 3\r\n\r\ntaken\n");
  BOOST_TEST(reply_text(made, {.without_body = true, .keeps_alive = false, .date = "D", .trace_id = "T"})
             == head + "Connection: close\r\nRetry-After: 3\r\n\r\n");
  BOOST_TEST(reply_text(made, {.is_http_1_0 = true, .date = "D", .trace_id = "T"})
             == head + "Connection: keep-alive\r\nRetry-After: 3\r\n\r\ntaken\n");
  BOOST_TEST(reply_text({.status = 204}, {.date = "D", .trace_id = "T"}).find("Content-Length") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(has_a_date_as_http_writes_it) {
  BOOST_TEST(http_date(784'111'777) == "Sun, 06 Nov 1994 08:49:37 GMT");
  BOOST_TEST(http_date(1'772'323'200) == "Sun, 01 Mar 2026 00:00:00 GMT");
}

BOOST_AUTO_TEST_CASE(cannot_hold_another_reply_in_its_headers) {
  BOOST_TEST(can_be_sent({.headers = {{"Location", "/v1/x"}}}));
  BOOST_TEST(not can_be_sent({.headers = {{"Location", "/v1/x\r\nSet-Cookie: a"}}}));
  BOOST_TEST(not can_be_sent({.headers = {{"A\n", "b"}}}));
  BOOST_TEST(not can_be_sent({.headers = {{"A", std::string("b\0", 2)}}}));
  BOOST_TEST(not can_be_sent({.content_type = "text/plain\r\n"}));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(traces_of_what_follows)

BOOST_AUTO_TEST_CASE(go_on_as_they_came_or_begin) {
  const std::string trace = "0af7651916cd43dd8448eb211c80319c";
  const std::string came = "00-" + trace + "-b7ad6b7169203331-01";
  BOOST_TEST(traceparent_for(trace, came) == came);
  // A later version is understood as far as ours goes.
  BOOST_TEST(traceparent_for(trace, "cc-" + trace + "-b7ad6b7169203331-01-what") == came);
  const auto begun = traceparent_for(trace, "");
  BOOST_TEST(begun == "00-" + trace + "-0af7651916cd43dd-00");
  BOOST_TEST(trace_id_of(begun).value() == trace);
  const std::string half = "00000000000000008448eb211c80319c";
  BOOST_TEST(trace_id_of(traceparent_for(half, "nonsense")).value() == half);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(gzip)

BOOST_AUTO_TEST_CASE(is_inflated_up_to_a_bound) {
  for (const std::size_t size : {0U, 1U, 65'535U, 65'536U, 65'537U, 1'000'000U}) {
    const std::string plain(size, 'x');
    BOOST_TEST(inflate_gzip(packed(plain), size).value() == plain);
    if (size > 0) BOOST_TEST((inflate_gzip(packed(plain), size - 1).error() == inflate_fault::too_large));
  }
}

BOOST_AUTO_TEST_CASE(of_a_request_is_its_body_or_a_problem) {
  const auto status_of = [](const std::string& body, const std::string& wanted = "") {
    http_request request;
    request.body = body;
    request.is_packed = true;
    const auto wrong = inflate_body(request, 128);
    if (not wrong) BOOST_TEST(request.body == wanted);
    BOOST_TEST(request.is_packed == wrong.has_value());
    return wrong ? wrong->status : 0;
  };
  BOOST_TEST(status_of(packed("plain"), "plain") == 0);
  BOOST_TEST(status_of(packed(std::string(128, 'c')), std::string(128, 'c')) == 0);
  BOOST_TEST(status_of(packed(std::string(129, 'c'))) == 413);
  BOOST_TEST(status_of(packed(std::string(9 << 20, '\0'))) == 413);
  for (const auto& damaged :
       {std::string{"plain"}, packed("plain") + "x", packed("plain").substr(0, 20), std::string{}})
    BOOST_TEST(status_of(damaged) == 400);
  http_request plain;
  plain.body = "as it came";
  BOOST_TEST(not inflate_body(plain));
  BOOST_TEST(plain.body == "as it came");
}

BOOST_AUTO_TEST_CASE(is_one_whole_member) {
  const auto whole = packed("some text, and some text");
  for (std::size_t size = 0; size < whole.size(); ++size)
    BOOST_TEST((inflate_gzip(whole.substr(0, size), 100).error() == inflate_fault::damaged), size);
  BOOST_TEST((inflate_gzip(whole + "x", 100).error() == inflate_fault::damaged));
  BOOST_TEST((inflate_gzip(whole + whole, 100).error() == inflate_fault::damaged));
  auto changed = whole;
  changed[changed.size() - 6] ^= 1;
  BOOST_TEST((inflate_gzip(changed, 100).error() == inflate_fault::damaged), "the checksum counts");
}

BOOST_AUTO_TEST_SUITE_END()
