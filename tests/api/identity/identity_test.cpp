// SPDX-License-Identifier: Apache-2.0

#include "api/identity/identity.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "api/identity/token.hpp"
#include "base/system/sha256.hpp"
#include "tests/api/identity/signing_key.hpp"
#include "tests/test_folder.hpp"

using namespace fairuse;

namespace {

constexpr std::int64_t second = 1'000;
constexpr std::int64_t minute = 60 * second;

std::string key_set(const std::string& keys) { return R"({"keys":[)" + keys + "]}"; }

std::string ec_key(const signing_key& key, const std::string& id) { return key.jwk(R"(,"kid":")" + id + "\""); }

std::string jwt_of(const signing_key& key, const std::string& id, const std::string& more,
                   std::int64_t exp = 4'000'000'000) {
  return key.token(R"({"alg":"ES256","kid":")" + id + R"("})",
                   R"({"iss":"i","aud":"a","exp":)" + std::to_string(exp) + "," + more + "}");
}

struct identity_fixture {
  identity_fixture() {
    write_tokens();
    folder.write("keys.json", key_set(ec_key(key, "one")));
    settings.tokens = folder.file("tokens.txt");
    settings.jwt = {.jwks = folder.file("keys.json"), .issuer = "i", .audience = "a"};
    settings.proxies = {.addresses = {*ip_range_from("10.0.0.0/8"), *ip_range_from("::1")},
                        .uid_header = "x-user",
                        .roles_header = "x-roles"};
  }

  void write_tokens(const std::string& more = "") {
    folder.write("tokens.txt", "gateway-1 gateway sha256:" + sha256_hex(gateway)
                                   + "\nalice user sha256:" + sha256_hex(alice) + " uid:u-1\n" + more);
  }

  void open() {
    auto opened = identity::open(settings, [this](log_level level, const std::string& text) {
      const std::scoped_lock lock{mutex};
      said.push_back(std::string{to_text(level)} + " " + text);
    });
    BOOST_REQUIRE_MESSAGE(opened, opened.error().message);
    known = std::move(*opened);
  }

  result<principal, identity_refusal> check(const std::string& authorization,
                                            const std::optional<std::string>& uid = {},
                                            const std::optional<std::string>& roles = {},
                                            const std::string& peer = "192.0.2.1") {
    credentials of{.authorization = authorization, .peer = peer};
    if (uid) of.uid_header = *uid;
    if (roles) of.roles_header = *roles;
    return known->check(of, now);
  }

  /// Nobody, and why, but for the log.
  std::string nobody(const std::string& authorization, const std::optional<std::string>& uid = {},
                     const std::optional<std::string>& roles = {}, const std::string& peer = "10.1.2.3") {
    const auto who = check(authorization, uid, roles, peer);
    BOOST_REQUIRE_MESSAGE(not who, who->actor);
    return std::string{who.error().detail};
  }

  std::size_t times_said(const std::string& words) {
    const std::scoped_lock lock{mutex};
    return static_cast<std::size_t>(std::count_if(
        said.begin(), said.end(), [&](const std::string& each) { return each.find(words) != std::string::npos; }));
  }

  test_folder folder;
  const std::string gateway = make_token().value();
  const std::string alice = make_token().value();
  const signing_key key = signing_key::p256();
  api_settings settings;
  std::unique_ptr<identity> known;
  time_ms now = 1'800'000'000'000;
  std::mutex mutex;
  std::vector<std::string> said;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(who_asks, identity_fixture)

BOOST_AUTO_TEST_CASE(each_kind_of_credentials_names_somebody) {
  open();
  struct row {
    std::string authorization;
    std::optional<std::string> uid;
    std::optional<std::string> roles;
    principal who;
  };
  const row rows[] = {
      {"Bearer " + gateway, {}, {}, {"gateway-1", "", {role::gateway}}},
      {"bearer  " + alice, {}, {}, {"alice", "u-1", {role::user}}},
      {"Bearer " + jwt_of(key, "one", R"("sub":"u-2")"), {}, {}, {"jwt:u-2", "u-2", {role::user}}},
      {"Bearer " + jwt_of(key, "one", R"("sub":"ann","roles":["support"])"), {}, {}, {"jwt:ann", "", {role::support}}},
      {"", "u-3", {}, {"proxy:u-3", "u-3", {role::user}}},
      {"", "u-3", "", {"proxy:u-3", "u-3", {role::user}}},
      {"", "u-3", "unknown", {"proxy:u-3", "u-3", {role::user}}},
      {"", "bob", "support, viewer", {"proxy:bob", "", {role::support, role::viewer}}},
      {"", "bob", "support user", {"proxy:bob", "bob", {role::support, role::user}}},
  };
  for (const auto& [authorization, uid, roles, who] : rows) {
    const auto found = check(authorization, uid, roles, "10.1.2.3");
    BOOST_REQUIRE_MESSAGE(found, who.actor << ": " << found.error().detail);
    BOOST_TEST(found->actor == who.actor);
    BOOST_TEST(found->uid == who.uid);
    BOOST_TEST((found->roles == who.roles), to_text(found->roles));
  }
}

BOOST_AUTO_TEST_CASE(a_token_that_was_checked_is_known_until_it_ends_or_its_key_goes) {
  open();
  const auto token = "Bearer " + jwt_of(key, "one", R"("sub":"u-2")", now / 1'000 + 10);
  const auto unchecked = [&](const std::string& authorization) {
    return known->check({.authorization = authorization, .peer = "192.0.2.1", .verifies = false}, now);
  };
  BOOST_TEST(not unchecked(token));
  BOOST_REQUIRE(check(token));
  const auto again = unchecked(token);
  BOOST_REQUIRE(again);
  BOOST_TEST(again->actor == "jwt:u-2");
  auto forged = token;
  forged.back() = forged.back() == 'A' ? 'Q' : 'A';
  BOOST_TEST(not unchecked(forged));
  BOOST_TEST(not check(forged));
  BOOST_TEST(unchecked("Bearer " + gateway).has_value());
  folder.write("keys.json", key_set(ec_key(signing_key::p256(), "one")));
  now += minute;
  BOOST_TEST(not check(token));
  folder.write("keys.json", key_set(ec_key(key, "one")));
  now += 2 * second;
  BOOST_REQUIRE(check(token));
  now += 9 * second;
  BOOST_TEST((check(token).error().why == no_identity::expired));
}

BOOST_AUTO_TEST_CASE(who_says_nothing_is_missing_and_who_is_late_expired) {
  open();
  BOOST_TEST((check("").error().why == no_identity::missing));
  BOOST_TEST((check("", "", "", "10.1.2.3").error().why == no_identity::missing));
  BOOST_TEST((check("", {}, "admin", "10.1.2.3").error().why == no_identity::missing));
  BOOST_TEST((check("Bearer " + make_token().value()).error().why == no_identity::invalid));
  const auto late = jwt_of(key, "one", R"("sub":"u")", now / second - 60);
  BOOST_TEST((check("Bearer " + late).error().why == no_identity::expired));
  // Nobody learns from a token that is not the issuer's whether it would be late.
  const auto forged = jwt_of(signing_key::p256(), "one", R"("sub":"u")", now / second - 60);
  BOOST_TEST((check("Bearer " + forged).error().why == no_identity::invalid));
}

BOOST_AUTO_TEST_CASE(only_a_bearer_token_is_taken) {
  open();
  for (const auto& authorization : {"Basic " + gateway, gateway, std::string{"Bearer"}, std::string{"Bearer "},
                                    "Bearer" + gateway, "Bearer\t" + gateway, "Token " + gateway})
    BOOST_TEST(nobody(authorization) == "Authorization is not `Bearer TOKEN`", authorization);
  const std::string no_token = "it is no token of ours: 43 to 512 characters of base64url, and no JWT";
  for (const auto& authorization :
       {"Bearer " + gateway + " ", "Bearer " + gateway + ",Bearer " + alice, "Bearer " + gateway.substr(1),
        "Bearer \"" + gateway + "\"", "Bearer " + gateway + "="})
    BOOST_TEST(nobody(authorization) == no_token, authorization);
  BOOST_TEST(nobody("Bearer " + sha256_hex(gateway)) == "no such token is in the file");
}

BOOST_AUTO_TEST_CASE(headers_of_a_proxy_count_only_from_its_address) {
  open();
  for (const auto* peer : {"10.0.0.1", "10.255.255.255", "::1", "::ffff:10.0.0.1"})
    BOOST_TEST(check("", "u-3", {}, peer).has_value(), peer);
  for (const auto* peer : {"192.0.2.1", "11.0.0.1", "127.0.0.1", "::2", "", "10.0.0.1:80", "localhost", "::1%lo"}) {
    BOOST_TEST((check("", "u-3", "admin", peer).error().why == no_identity::missing), peer);
    // They do not even disagree.
    BOOST_TEST(check("Bearer " + alice, "u-3", "admin", peer).value().actor == "alice", peer);
  }
  settings.proxies = {};
  open();
  BOOST_TEST((check("", "u-3", "admin", "10.0.0.1").error().why == no_identity::missing));
}

BOOST_AUTO_TEST_CASE(two_that_disagree_are_nobody) {
  open();
  const auto user = "Bearer " + jwt_of(key, "one", R"("sub":"u-2")");
  const auto staff = "Bearer " + jwt_of(key, "one", R"("sub":"ann","roles":["support"])");
  BOOST_TEST(check(user, "u-2", {}, "10.1.2.3").value().actor == "jwt:u-2");
  BOOST_TEST(check("Bearer " + alice, "u-1", "user", "10.1.2.3").value().actor == "alice");
  BOOST_TEST(check(staff, "ann", "support", "10.1.2.3").value().actor == "jwt:ann");
  const std::string two = "Authorization and the proxy's headers name two";
  BOOST_TEST(nobody(user, "u-3") == two);
  BOOST_TEST(nobody(user, "u-2", "admin") == two);
  BOOST_TEST(nobody(staff, "ann") == two);
  BOOST_TEST(nobody(staff, "bob", "support") == two);
  BOOST_TEST(nobody("Bearer " + gateway, "u-1", "gateway") == two);
  BOOST_TEST(nobody("Bearer " + gateway.substr(1) + "A", "u-1") == "no such token is in the file");
  BOOST_TEST(nobody("Basic x", "u-1") == "Authorization is not `Bearer TOKEN`");
}

BOOST_AUTO_TEST_CASE(a_proxy_names_users_only) {
  open();
  for (const auto& uid :
       {std::string{"*"}, std::string{"a\nb"}, std::string("a\0b", 3), std::string{"\xFF"}, std::string(251, 'u')}) {
    BOOST_TEST(nobody("", uid) == "the proxy's header of the user is no id: 1 to 250 bytes of text");
    BOOST_TEST(nobody("Bearer " + alice, uid) == "the proxy's header of the user is no id: 1 to 250 bytes of text");
  }
}

BOOST_AUTO_TEST_CASE(what_is_not_configured_is_not_taken) {
  settings = {};
  open();
  BOOST_TEST(nobody("Bearer " + gateway) == "it looks like a token of a file, and api.tokens names none");
  BOOST_TEST(nobody("Bearer " + jwt_of(key, "one", R"("sub":"u")")) == "it looks like a JWT, and there is no api.jwt");
}

BOOST_AUTO_TEST_CASE(a_file_that_is_refused_at_the_start_is_an_error) {
  folder.write("tokens.txt", "a viewer\n");
  const auto tokens = identity::open(settings, [](log_level, const std::string&) {});
  BOOST_REQUIRE(not tokens.has_value());
  BOOST_TEST(tokens.error().message.starts_with(settings.tokens.string() + ":1: expected NAME"));
  write_tokens();
  folder.write("keys.json", "{}");
  const auto keys = identity::open(settings, [](log_level, const std::string&) {});
  BOOST_TEST(keys.error().message.starts_with(settings.jwt.jwks.string() + ": has no list `keys`"));
  std::filesystem::remove(settings.jwt.jwks);
  BOOST_TEST(not identity::open(settings, [](log_level, const std::string&) {}).has_value());
  std::filesystem::create_directory(settings.jwt.jwks);
  const auto folder_there = identity::open(settings, [](log_level, const std::string&) {});
  BOOST_TEST(folder_there.error().message == settings.jwt.jwks.string() + ": is no file");
}

BOOST_AUTO_TEST_CASE(a_file_is_looked_at_once_a_second_and_read_when_it_changed) {
  open();
  const auto bob = make_token().value();
  BOOST_TEST(not check("Bearer " + bob).has_value());
  write_tokens("bob viewer sha256:" + sha256_hex(bob) + "\n");
  now += second - 1;
  BOOST_TEST(not check("Bearer " + bob).has_value());
  now += 1;
  BOOST_TEST(check("Bearer " + bob).value().actor == "bob");
  // Its line is removed: it ends.
  write_tokens();
  now += second;
  BOOST_TEST(not check("Bearer " + bob).has_value());
  BOOST_TEST(check("Bearer " + gateway).has_value());
  BOOST_TEST(times_said("info " + settings.tokens.string() + " was read again") == 2U);
  // Replaced by another file of the same size, as most tools do it.
  folder.write("other.txt", "gateway-1 gateway sha256:" + sha256_hex(bob) + "\nalice user sha256:" + sha256_hex(alice)
                                + " uid:u-1\n");
  std::filesystem::rename(folder.file("other.txt"), settings.tokens);
  now -= 3'600 * second;
  BOOST_TEST(check("Bearer " + bob).value().actor == "gateway-1");
}

BOOST_AUTO_TEST_CASE(a_damaged_file_leaves_what_it_said_and_is_logged_once) {
  open();
  for (const auto* damaged : {"gateway-1 gateway sha256:", "", "x"}) {
    folder.write("tokens.txt", damaged);
    folder.write("keys.json", damaged);
    for (int i = 0; i < 3; ++i) {
      now += second;
      BOOST_TEST(check("Bearer " + gateway).has_value());
      BOOST_TEST(check("Bearer " + jwt_of(key, "one", R"("sub":"u")")).has_value());
    }
  }
  std::filesystem::remove(settings.tokens);
  now += second;
  BOOST_TEST(check("Bearer " + gateway).has_value());
  now += second;
  BOOST_TEST(check("Bearer " + gateway).has_value());
  BOOST_TEST(times_said("error " + settings.tokens.string() + ":1: the third word") == 1U);
  BOOST_TEST(times_said("error " + settings.tokens.string() + ":1: expected NAME") == 1U);
  BOOST_TEST(times_said("error " + settings.tokens.string() + ": is empty") == 1U);
  BOOST_TEST(times_said("No such file") == 1U);
  BOOST_TEST(times_said("; what was read of it before stays in force") == 5U);
  // It is back as it was.
  write_tokens();
  now += second;
  BOOST_TEST(check("Bearer " + gateway).has_value());
  folder.write("tokens.txt", "x");
  now += second;
  BOOST_TEST(check("Bearer " + gateway).has_value());
  BOOST_TEST(times_said("error " + settings.tokens.string() + ":1: expected NAME") == 2U);
}

BOOST_AUTO_TEST_CASE(an_unknown_kid_has_the_keys_read_at_once_and_once_a_minute) {
  open();
  const auto two = "Bearer " + jwt_of(key, "two", R"("sub":"u")");
  const auto three = "Bearer " + jwt_of(key, "three", R"("sub":"u")");
  BOOST_TEST(check("Bearer " + jwt_of(key, "one", R"("sub":"u")")).has_value());
  folder.write("keys.json", key_set(ec_key(key, "two")));
  // No second has passed.
  BOOST_TEST(check(two).has_value());
  folder.write("keys.json", key_set(ec_key(key, "three")));
  BOOST_TEST(nobody(three) == "no key has its `kid`");
  now += second;
  BOOST_TEST(check(three).has_value());
  BOOST_TEST(nobody(two) == "no key has its `kid`");
  now += minute;
  BOOST_TEST(check(three).has_value());
  folder.write("keys.json", key_set(ec_key(key, "two")));
  BOOST_TEST(check(two).has_value());
  BOOST_TEST(times_said("info " + settings.jwt.jwks.string() + " was read again") == 3U);
}

BOOST_AUTO_TEST_CASE(threads_ask_while_files_change) {
  open();
  std::atomic<bool> done{false};
  std::atomic<int> refused{0};
  std::atomic<time_ms> clock{now};
  const auto jwt = "Bearer " + jwt_of(key, "one", R"("sub":"u")");
  const auto unknown = "Bearer " + jwt_of(key, "none", R"("sub":"u")");
  const auto ask = [&] {
    while (not done) {
      const auto at = clock.load();
      if (not known->check({.authorization = "Bearer " + gateway, .peer = "::1"}, at)) ++refused;
      if (not known->check({.authorization = jwt, .peer = "::1"}, at)) ++refused;
      if (known->check({.authorization = unknown, .peer = "::1"}, at)) ++refused;
    }
  };
  std::array threads{std::thread{ask}, std::thread{ask}, std::thread{ask}, std::thread{ask}};
  const auto bob = make_token().value();
  for (int i = 0; i < 20; ++i) {
    write_tokens(i % 3 == 0 ? "damaged" : "bob-" + std::to_string(i) + " viewer sha256:" + sha256_hex(bob) + "\n");
    folder.write("keys.json", key_set(ec_key(key, "one") + "," + ec_key(key, "key-" + std::to_string(i))));
    clock += minute;
    const auto seen = known->check({.authorization = "Bearer " + bob, .peer = "::1"}, clock);
    (void)seen;
  }
  done = true;
  for (auto& each : threads)
    each.join();
  BOOST_TEST(refused == 0);
  now = clock + minute;
  BOOST_TEST(check("Bearer " + bob).value().actor == "bob-19");
}

BOOST_AUTO_TEST_SUITE_END()
