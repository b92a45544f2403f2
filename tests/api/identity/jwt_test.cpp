// SPDX-License-Identifier: Apache-2.0

#include "api/identity/jwt.hpp"

#include <initializer_list>

#include <boost/test/unit_test.hpp>

using namespace fairuse;

namespace {

constexpr std::int64_t jwt_now_s = 1'800'000'000;
constexpr time_ms jwt_now = jwt_now_s * 1'000;

const jwt_settings jwt_rules{.jwks = "k", .issuer = "https://login.example/", .audience = "fairuse"};
const std::string for_us = R"("iss":"https://login.example/","aud":"fairuse")";
const std::string in_time = for_us + R"(,"exp":1800000060)";

/// Of an object with these members, which may come in pieces.
result<jwt_claims, identity_refusal> claims_of(std::initializer_list<std::string_view> members,
                                               const jwt_settings& by = jwt_rules) {
  std::string payload = "{";
  for (const auto each : members)
    payload += each;
  return read_claims(payload + "}", by, jwt_now);
}

std::string time_claims(const std::string& name, std::int64_t from_now_s, const std::string& fraction = "") {
  return R"(,")" + name + R"(":)" + std::to_string(jwt_now_s + from_now_s) + fraction;
}

} // namespace

BOOST_AUTO_TEST_SUITE(jwt_claim_sets)

BOOST_AUTO_TEST_CASE(user_and_roles_are_read) {
  struct row {
    std::string members;
    std::string name;
    role_set roles;
  };
  const row rows[] = {
      {R"("sub":"u")", "u", {role::user}},
      {R"("sub":"u","roles":[])", "u", {role::user}},
      {R"("sub":"u","roles":"")", "u", {role::user}},
      {R"("sub":"u","roles":["support","policy"])", "u", {role::support, role::policy}},
      {R"("sub":"u","roles":"support policy user")", "u", {role::support, role::policy, role::user}},
      {R"("sub":"u","roles":"openid  support")", "u", {role::support}},
      {R"("sub":"u","roles":["openid","root","Admin","admin "])", "u", {role::user}},
      {R"("sub":"u","roles":["admin","admin"])", "u", {role::admin}},
      {R"("sub":"ünïcode","roles":["viewer"])", "ünïcode", {role::viewer}},
  };
  for (const auto& [members, name, roles] : rows) {
    const auto claims = claims_of({in_time, ",", members});
    BOOST_REQUIRE_MESSAGE(claims, members << claims.error().detail);
    BOOST_TEST(claims->name == name);
    BOOST_TEST((claims->roles == roles), members << ": " << to_text(claims->roles));
  }
}

BOOST_AUTO_TEST_CASE(the_claims_have_the_configured_names) {
  auto other = jwt_rules;
  other.uid_claim = "user_id";
  other.roles_claim = "https://example.com/roles";
  const auto claims = claims_of(
      {in_time, R"(,"sub":"s","user_id":"u","roles":["admin"],"https://example.com/roles":["viewer","user"])"}, other);
  BOOST_REQUIRE(claims.has_value());
  BOOST_TEST(claims->name == "u");
  BOOST_TEST((claims->roles == role_set{role::viewer, role::user}));
  // A service has no claim that names a user.
  const std::string gateway = R"(,"https://example.com/roles":"gateway")";
  BOOST_TEST(claims_of({in_time, R"(,"sub":"gateway-1")", gateway}, other).value().name == "gateway-1");
  BOOST_TEST(claims_of({in_time, gateway}, other).error().detail
             == "what names the user is no id: 1 to 250 bytes of text");
  BOOST_TEST(claims_of({in_time, R"(,"sub":"u")"}, other).error().detail == "there is no claim that names the user");
}

BOOST_AUTO_TEST_CASE(times_hold_with_a_minute_of_skew) {
  using why = no_identity;
  struct row {
    std::string times;
    std::optional<no_identity> refused;
  };
  const row rows[] = {
      {time_claims("exp", 1), {}},
      {time_claims("exp", -59), {}},
      {time_claims("exp", -60, ".001"), {}},
      {time_claims("exp", -60), why::expired},
      {time_claims("exp", -61, ".999"), why::expired},
      {R"(,"exp":0)", why::expired},
      {R"(,"exp":1e9)", why::expired},
      {"", why::invalid},
      {R"(,"exp":"1800000060")", why::invalid},
      {R"(,"exp":null)", why::invalid},
      {R"(,"exp":-1)", why::invalid},
      {R"(,"exp":1800000060000)", why::invalid},
      {R"(,"exp":1e300)", why::invalid},
      {time_claims("exp", 9) + time_claims("nbf", 60), {}},
      {time_claims("exp", 9) + time_claims("nbf", 60, ".001"), why::invalid},
      {time_claims("exp", 9) + time_claims("nbf", 61), why::invalid},
      {time_claims("exp", 9) + time_claims("iat", 60), {}},
      {time_claims("exp", 9) + time_claims("iat", 61), why::invalid},
      {time_claims("exp", 9) + time_claims("iat", -999'999'999), {}},
      {time_claims("exp", 9) + R"(,"nbf":"now")", why::invalid},
      {time_claims("exp", 9) + R"(,"iat":true)", why::invalid},
      {time_claims("exp", -61) + time_claims("nbf", 99), why::expired},
  };
  for (const auto& [times, refused] : rows) {
    const auto claims = claims_of({for_us, R"(,"sub":"u")", times});
    BOOST_TEST(claims.has_value() == not refused.has_value(), times);
    if (not claims and refused) BOOST_TEST((claims.error().why == *refused), times << claims.error().detail);
  }
}

BOOST_AUTO_TEST_CASE(issuer_and_audience_are_the_configured_ones) {
  const std::string rest = R"(,"exp":1800000060,"sub":"u")";
  const std::string issuer = R"("iss":"https://login.example/")";
  for (const std::string audience : {R"("fairuse")", R"(["fairuse"])", R"(["other","fairuse"])"})
    BOOST_TEST(claims_of({issuer, R"(,"aud":)", audience, rest}).has_value(), audience);
  for (const std::string audience : {R"("other")", R"("")", R"("fairuse ")", R"("Fairuse")", "[]", R"(["other"])", "7",
                                     "null", R"({"fairuse":1})", R"(["fairuse",7])", R"([["fairuse"]])"})
    BOOST_TEST(claims_of({issuer, R"(,"aud":)", audience, rest}).error().detail == "`aud` is not the configured one",
               audience);
  BOOST_TEST(claims_of({issuer, rest}).error().detail == "`aud` is not the configured one");
  for (const std::string other :
       {R"("https://login.example")", R"("https://evil.example/")", "null", R"([])", R"(["https://login.example/"])"})
    BOOST_TEST(claims_of({R"("iss":)", other, R"(,"aud":"fairuse")", rest}).error().detail
                   == "`iss` is not the configured one",
               other);
  BOOST_TEST(claims_of({R"("aud":"fairuse")", rest}).error().detail == "`iss` is not the configured one");
}

BOOST_AUTO_TEST_CASE(a_payload_that_says_nothing_clear_is_refused) {
  for (const auto& members :
       {std::string{R"("sub":"u","sub":"v")"}, std::string{R"("sub":"u","roles":["user"],"roles":["admin"])"},
        std::string{R"("sub":"u","s\u0075b":"v")"}, std::string{"\"sub\":\"\xFF\""}, std::string{R"("sub":"\ud800")"},
        std::string{R"("sub":"\udc00")"}, std::string{R"("sub":"u","x":{"y":1,"y":1})"},
        R"("sub":"u","x":)" + std::string(20, '[') + std::string(20, ']')})
    BOOST_TEST(
        claims_of({in_time, ",", members}).error().detail == "the payload is no JSON object, or has a name twice",
        members);
  for (const std::string payload : {"", "[]", "\xEF\xBB\xBF{}", "null", "{", R"("u")"})
    BOOST_TEST(
        read_claims(payload, jwt_rules, jwt_now).error().detail == "the payload is no JSON object, or has a name twice",
        payload);
}

BOOST_AUTO_TEST_CASE(who_is_no_user_is_refused) {
  const std::string no_id = "what names the user is no id: 1 to 250 bytes of text";
  for (const auto& sub : {std::string{R"("")"}, std::string{R"("*")"}, std::string{"7"}, std::string{"null"},
                          std::string{R"(["u"])"}, std::string{R"("a\u0000b")"}, std::string{R"("a\nb")"},
                          std::string{R"("\u007f")"}, "\"" + std::string(251, 'u') + "\""})
    for (const std::string roles : {"", R"(,"roles":["admin"])"})
      BOOST_TEST(claims_of({in_time, R"(,"sub":)", sub, roles}).error().detail == no_id, sub);
  BOOST_TEST(claims_of({in_time, R"(,"sub":")", std::string(250, 'u'), "\""}).has_value());
  BOOST_TEST(claims_of({in_time}).error().detail == "there is no claim that names the user");
}

BOOST_AUTO_TEST_CASE(roles_of_another_type_are_refused_and_never_lost) {
  for (const std::string roles : {"7", "true", "null", R"({"support":true})", R"(["support",7])", R"([["support"]])"})
    BOOST_TEST(claims_of({in_time, R"(,"sub":"u","roles":)", roles}).error().detail
                   == "the claim of the roles is neither a list of texts nor a text",
               roles);
}

BOOST_AUTO_TEST_SUITE_END()
