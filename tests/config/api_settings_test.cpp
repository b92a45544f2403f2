// SPDX-License-Identifier: Apache-2.0

#include "config/api_settings.hpp"

#include <boost/test/unit_test.hpp>

#include "config/deployment.hpp"
#include "tests/config/policy_samples.hpp"
#include "tests/test_folder.hpp"

using namespace fairuse;
using samples::holds;
using samples::least;

namespace {

struct api_fixture {
  api_fixture() {
    folder.write("live.yaml", least + "plans: {}\n");
    folder.write("tokens.txt", "#\n");
    folder.write("keys.json", "{}\n");
  }

  std::optional<loaded_deployment> loaded(const std::string& section) {
    yaml::diagnostics problems{"d.yaml"};
    const auto text = "policies: {live: live.yaml}\napi: {" + section + "}\n";
    auto all = load_deployment(folder.write("d.yaml", text), {}, problems);
    said = problems.text();
    return all;
  }

  api_settings accepted(const std::string& section) {
    const auto all = loaded(section);
    BOOST_REQUIRE_MESSAGE(all, said);
    return all->settings.api;
  }

  test_folder folder;
  std::string said;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(api_sections, api_fixture)

BOOST_AUTO_TEST_CASE(a_deployment_without_the_section_has_no_api) {
  const auto settings = accepted("");
  BOOST_TEST(said == "");
  BOOST_TEST(settings.listen == "");
  BOOST_TEST(settings.status_listen == "");
  BOOST_TEST(settings.tokens.empty());
  BOOST_TEST(settings.jwt.jwks.empty());
  BOOST_TEST(settings.proxies.addresses.empty());
}

BOOST_AUTO_TEST_CASE(every_key_is_read) {
  const auto settings = accepted(
      "listen: '127.0.0.1:8080', status_listen: '0.0.0.0:9464', tokens: tokens.txt, "
      "jwt: {jwks: keys.json, issuer: 'https://login.example/', audience: fairuse, uid_claim: user_id, "
      "roles_claim: groups}, "
      "proxies: {addresses: [127.0.0.1, '10.0.0.0/8', '::1'], uid_header: X-User, roles_header: X-Roles}");
  BOOST_TEST(said == "");
  BOOST_TEST(settings.listen == "127.0.0.1:8080");
  BOOST_TEST(settings.status_listen == "0.0.0.0:9464");
  BOOST_TEST(settings.tokens == folder.path() / "tokens.txt");
  BOOST_TEST(settings.jwt.jwks == folder.path() / "keys.json");
  BOOST_TEST(settings.jwt.issuer == "https://login.example/");
  BOOST_TEST(settings.jwt.audience == "fairuse");
  BOOST_TEST(settings.jwt.uid_claim == "user_id");
  BOOST_TEST(settings.jwt.roles_claim == "groups");
  BOOST_REQUIRE(settings.proxies.addresses.size() == 3U);
  BOOST_TEST(settings.proxies.addresses[1].contains(*ip_address_from("10.1.2.3")));
  BOOST_TEST(settings.proxies.uid_header == "x-user");
  BOOST_TEST(settings.proxies.roles_header == "x-roles");
}

BOOST_AUTO_TEST_CASE(what_is_not_written_has_its_default) {
  const auto settings = accepted(
      "jwt: {jwks: keys.json, issuer: i, audience: a}, "
      "proxies: {addresses: [127.0.0.1], uid_header: X-User}");
  BOOST_TEST(settings.jwt.uid_claim == "sub");
  BOOST_TEST(settings.jwt.roles_claim == "roles");
  BOOST_TEST(settings.proxies.roles_header == "");
}

BOOST_AUTO_TEST_CASE(limits_are_read_and_have_defaults) {
  const auto limits = accepted(
                          "limits: {user: {per_second: 0}, staff: {per_second: 7, burst: 9}, "
                          "address_header: X-Forwarded-For}")
                          .limits;
  BOOST_TEST(said == "");
  BOOST_TEST(limits.user.per_second == 0U);
  BOOST_TEST(limits.staff.per_second == 7U);
  BOOST_TEST(limits.staff.burst == 9U);
  BOOST_TEST(limits.service.per_second == 0U);
  BOOST_TEST(limits.failed.per_second == 10U);
  BOOST_TEST(limits.failed.burst == 50U);
  BOOST_TEST(limits.address_header == "x-forwarded-for");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_meant_is_refused_at_its_place) {
  const std::string jwt = "issuer: i, audience: a";
  const std::string proxy = "addresses: [127.0.0.1]";
  const std::pair<std::string, std::string> rows[] = {
      {"listen: 8080, tokens: tokens.txt",
       "d.yaml:2:15: error: api.listen: expected address:port with a port up to 65535, such as 127.0.0.1:8080, not "
       "'8080'"},
      {"listen: '127.0.0.1:http', tokens: tokens.txt", "api.listen: expected address:port"},
      {"listen: '127.0.0.1:8080'", "d.yaml:2:15: error: api.listen: nobody could ask; say in tokens, jwt or proxies"},
      {"status_listen: 9464",
       "d.yaml:2:22: error: api.status_listen: expected address:port with a port up to 65535, such as 127.0.0.1:9464, "
       "not '9464'"},
      {"tokens: none", "d.yaml:2:15: error: api.tokens: no such file: "},
      {"token: tokens.txt", "unknown key 'token' in api; did you mean 'tokens'?"},
      {"jwt: {" + jwt + "}", "d.yaml:2:12: error: missing key 'jwks' in api.jwt"},
      {"jwt: {jwks: none, " + jwt + "}", "api.jwt.jwks: no such file: "},
      {"jwt: {jwks: keys.json, audience: a}", "missing key 'issuer' in api.jwt"},
      {"jwt: {jwks: keys.json, issuer: i}", "missing key 'audience' in api.jwt"},
      {"jwt: {jwks: keys.json, issuer: '', audience: a}", "api.jwt.issuer: is empty"},
      {"jwt: {jwks: keys.json, issuer: i, audience: ''}", "api.jwt.audience: is empty"},
      {"jwt: {jwks: keys.json, uid_claim: '', " + jwt + "}", "api.jwt.uid_claim: is empty"},
      {"jwt: {jwks: keys.json, roles_claim: sub, " + jwt + "}", "api.jwt.roles_claim: is the claim of uid_claim, too"},
      {"jwt: {jwks: keys.json, role_claim: r, " + jwt + "}",
       "unknown key 'role_claim' in api.jwt; did you mean 'roles_claim'?"},
      {"limits: {user: {per_second: 5}}", "missing key 'burst' in api.limits.user"},
      {"limits: {user: {burst: 5}}", "missing key 'per_second' in api.limits.user"},
      {"limits: {user: {per_second: 5, burst: 0}}", "api.limits.user.burst"},
      {"limits: {users: {per_second: 5, burst: 5}}", "did you mean 'user'?"},
      {"limits: {address_header: Host}", "'Host' says something else already"},
      {"proxies: {uid_header: X-User}", "missing key 'addresses' in api.proxies"},
      {"proxies: {" + proxy + "}", "missing key 'uid_header' in api.proxies"},
      {"proxies: {addresses: [], uid_header: X-User}", "api.proxies.addresses: is empty"},
      {"proxies: {addresses: [localhost], uid_header: X-User}",
       "d.yaml:2:28: error: api.proxies.addresses: 'localhost' is no address such as 127.0.0.1"},
      {"proxies: {addresses: ['10.0.0.1/8'], uid_header: X-User}", "write 10.0.0.0/8, or the address alone"},
      {"proxies: {addresses: ['0.0.0.0/0'], uid_header: X-User}", "'0.0.0.0/0' is everybody"},
      {"proxies: {addresses: ['::/0'], uid_header: X-User}", "'::/0' is everybody"},
      {"proxies: {uid_header: '', " + proxy + "}", "api.proxies.uid_header: expected the name of a header"},
      {"proxies: {uid_header: 'X User', " + proxy + "}", "expected the name of a header, such as X-User, not 'X User'"},
      {"proxies: {uid_header: 'X-User:', " + proxy + "}", "api.proxies.uid_header: expected the name of a header"},
      {"proxies: {uid_header: Authorization, " + proxy + "}", "'Authorization' says something else already"},
      {"proxies: {uid_header: X-A, roles_header: x-a, " + proxy + "}",
       "api.proxies.roles_header: is the header of uid_header, too"},
      {"proxies: {uid_header: X-A, header: X-B, " + proxy + "}", "unknown key 'header' in api.proxies"},
  };
  for (const auto& [section, message] : rows) {
    BOOST_TEST(not loaded(section).has_value(), section);
    BOOST_TEST(holds(said, message), said);
  }
}

BOOST_AUTO_TEST_CASE(a_listener_that_others_reach_is_warned_of) {
  for (const auto* listen : {"0.0.0.0:8080", "[::]:8080", "192.0.2.1:8080"}) {
    accepted(std::string{"tokens: tokens.txt, listen: '"} + listen + "'");
    BOOST_TEST(holds(said, "warning: api.listen: tokens can be read on the way"), said);
  }
  for (const auto* listen : {"127.0.0.1:8080", "[::1]:8080"}) {
    accepted(std::string{"tokens: tokens.txt, listen: '"} + listen + "'");
    BOOST_TEST(said == "");
  }
}

BOOST_AUTO_TEST_SUITE_END()
