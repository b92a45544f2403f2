// SPDX-License-Identifier: Apache-2.0

#include <boost/test/unit_test.hpp>

#include "api/service/request_limits.hpp"

using namespace fairuse;

namespace {

constexpr std::int64_t second_us = 1'000'000;

http_request request_from(const std::string& peer, const std::string& forwarded = "") {
  http_request made;
  made.peer = peer;
  if (not forwarded.empty()) made.headers.emplace_back("x-forwarded-for", forwarded);
  return made;
}

principal of_role(const std::string& actor, role_set roles) { return {.actor = actor, .uid = {}, .roles = roles}; }

int taken_by(request_limits& limits, const principal& who, int tries, std::int64_t now_us) {
  int taken = 0;
  for (int i = 0; i < tries; ++i)
    taken += limits.refusal_of(who, now_us) ? 0 : 1;
  return taken;
}

} // namespace

BOOST_AUTO_TEST_SUITE(how_often_somebody_may)

BOOST_AUTO_TEST_CASE(all_of_a_burst_at_once_and_then_at_the_rate) {
  rate_table table{{.per_second = 4, .burst = 3}};
  for (int i = 0; i < 3; ++i)
    BOOST_TEST(table.take("a", 0) == 0);
  BOOST_TEST(table.take("a", 0) == second_us / 4);
  BOOST_TEST(table.wait_us("a", 0) == second_us / 4);
  BOOST_TEST(table.take("a", second_us / 4 - 1) == 1);
  BOOST_TEST(table.take("a", second_us / 4) == 0);
  BOOST_TEST(table.take("a", second_us / 4) > 0);
  // Others, and whoever has waited, have all of it.
  BOOST_TEST(table.take("b", 0) == 0);
  for (int i = 0; i < 3; ++i)
    BOOST_TEST(table.take("a", 10 * second_us) == 0);
  BOOST_TEST(table.take("a", 10 * second_us) > 0);
}

BOOST_AUTO_TEST_CASE(without_a_rate_always) {
  rate_table table{request_rate{}};
  for (int i = 0; i < 1'000; ++i)
    BOOST_TEST(table.take("a", 0) == 0);
}

BOOST_AUTO_TEST_CASE(in_a_full_table_the_quietest_begins_anew) {
  rate_table table{{.per_second = 1, .burst = 2}, 8};
  BOOST_TEST(table.take("loud", 0) == 0);
  BOOST_TEST(table.take("loud", 0) == 0);
  for (int i = 0; i < 1'000; ++i)
    BOOST_TEST(table.take(std::to_string(i), 0) == 0);
  BOOST_TEST(table.take("loud", 0) > 0);
}

BOOST_AUTO_TEST_CASE(each_principal_by_the_most_generous_of_its_roles) {
  request_limits limits{{.user = {1, 2}, .staff = {1, 4}, .service = {0, 1}}, {}};
  struct row {
    principal who;
    int wanted;
  };
  const row rows[] = {
      {of_role("u-1", {role::user}), 2},      {of_role("u-2", {role::user}), 2},
      {of_role("ann", {role::support}), 4},   {of_role("bob", {role::user, role::viewer}), 4},
      {of_role("gate", {role::gateway}), 10}, {of_role("all", {role::user, role::admin, role::producer}), 10},
  };
  for (const auto& [who, wanted] : rows)
    BOOST_TEST(taken_by(limits, who, 10, 0) == wanted, who.actor);
}

BOOST_AUTO_TEST_CASE(the_refusal_says_how_long_to_wait) {
  request_limits limits{{.user = {2, 1}}, {}};
  const auto ann = of_role("ann", {role::user});
  BOOST_TEST(not limits.refusal_of(ann, 0));
  const auto refused = limits.refusal_of(ann, 0);
  BOOST_REQUIRE(refused);
  BOOST_TEST(refused->status == 429);
  BOOST_TEST(refused->body.find(R"("reason":"too_many_requests")") != std::string::npos, refused->body);
  BOOST_REQUIRE(refused->headers.size() == 1U);
  BOOST_TEST(refused->headers.front().first == "Retry-After");
  BOOST_TEST(refused->headers.front().second == "1");
}

BOOST_AUTO_TEST_CASE(an_address_that_names_nobody_too_often_may_name_no_more) {
  request_limits limits{{.failed = {1, 2}}, {}};
  const auto address = limits.address_of(request_from("192.0.2.1"));
  for (int i = 0; i < 2; ++i) {
    BOOST_TEST(limits.may_name(address, 0));
    limits.failed(address, 0);
  }
  BOOST_TEST(not limits.may_name(address, 0));
  BOOST_TEST(limits.refusal_of_address(address, 0).status == 429);
  BOOST_TEST(limits.may_name(limits.address_of(request_from("192.0.2.2")), 0));
  BOOST_TEST(limits.may_name(address, second_us));
}

BOOST_AUTO_TEST_CASE(an_address_is_what_a_proxy_says_and_a_network_of_ipv6) {
  const request_limits limits{{.address_header = "x-forwarded-for"}, {*ip_range_from("10.0.0.0/8")}};
  const auto same = [&](const http_request& a, const http_request& b) {
    return limits.address_of(a) == limits.address_of(b);
  };
  const auto client = request_from("192.0.2.7");
  BOOST_TEST(same(client, request_from("10.1.2.3", "192.0.2.7")));
  BOOST_TEST(same(client, request_from("10.1.2.3", "198.51.100.1, 192.0.2.7")));
  BOOST_TEST(same(client, request_from("127.0.0.1", "192.0.2.7")));
  BOOST_TEST(same(client, request_from("::1", "192.0.2.7")));
  BOOST_TEST(not same(client, request_from("203.0.113.9", "192.0.2.7")), "a stranger is not believed");
  for (const auto& unknown : {request_from("10.1.2.3"), request_from("10.1.2.3", "nonsense"), request_from("::1")})
    BOOST_TEST(limits.address_of(unknown) == "", "nobody is limited for what others do");
  BOOST_TEST(same(request_from("2001:db8:1:2::3"), request_from("2001:db8:1:2:4::5")));
  BOOST_TEST(not same(request_from("2001:db8:1:2::3"), request_from("2001:db8:1:3::3")));
  request_limits without{{.failed = {1, 1}}, {*ip_range_from("10.0.0.0/8")}};
  const auto unknown = without.address_of(request_from("10.1.2.3", "192.0.2.7"));
  BOOST_TEST(unknown == "");
  without.failed(unknown, 0);
  BOOST_TEST(without.may_name(unknown, 0));
}

BOOST_AUTO_TEST_SUITE_END()
