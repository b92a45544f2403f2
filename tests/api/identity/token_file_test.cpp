// SPDX-License-Identifier: Apache-2.0

#include "api/identity/token_file.hpp"

#include <set>

#include <boost/test/unit_test.hpp>

#include "api/identity/token.hpp"

using namespace fairuse;

namespace {

// Of any text: what the file holds is only compared.
std::string digest_word(const std::string& of) { return "sha256:" + sha256_hex(of); }

std::string refused_tokens(const std::string& text) {
  const auto made = token_file::parse(text, "tokens.txt");
  BOOST_REQUIRE_MESSAGE(not made, text);
  return made.error().message;
}

} // namespace

BOOST_AUTO_TEST_SUITE(token_files)

BOOST_AUTO_TEST_CASE(who_has_a_token_is_found) {
  const auto gateway = make_token().value();
  const auto ann = make_token().value();
  const auto alice = make_token().value();
  const auto made = token_file::parse("\xEF\xBB\xBF# who may ask\r\n\n  gateway-1\tgateway " + digest_word(gateway)
                                          + "   # the first one\r\nann@example.com support,policy " + digest_word(ann)
                                          + "\nalice user " + digest_word(alice) + " uid:u#17 # a user",
                                      "tokens.txt");
  BOOST_REQUIRE_MESSAGE(made, made.error().message);
  BOOST_TEST(made->size() == 3U);
  BOOST_REQUIRE(made->find(gateway) != nullptr);
  BOOST_TEST(made->find(gateway)->name == "gateway-1");
  BOOST_TEST(made->find(gateway)->uid == "");
  BOOST_TEST((made->find(ann)->roles == role_set{role::support, role::policy}));
  BOOST_TEST(made->find(ann)->name == "ann@example.com");
  BOOST_TEST(made->find(alice)->uid == "u#17");
  for (const auto& other : {make_token().value(), std::string{}, gateway + "A", gateway.substr(1), sha256_hex(gateway)})
    BOOST_TEST(made->find(other) == nullptr);
}

BOOST_AUTO_TEST_CASE(no_character_of_a_token_may_change) {
  const auto token = make_token().value();
  const auto made = token_file::parse("a viewer " + digest_word(token), "tokens.txt");
  BOOST_REQUIRE(made.has_value());
  for (std::size_t at = 0; at < token.size(); ++at)
    for (int byte = 0; byte < 256; ++byte) {
      auto other = token;
      other[at] = static_cast<char>(byte);
      if ((made->find(other) != nullptr) != (other == token)) BOOST_ERROR("byte " << at << " says nothing");
    }
}

BOOST_AUTO_TEST_CASE(a_line_that_is_written_is_read) {
  for (const known_token& each : {known_token{"gateway-1", {role::gateway}, "", sha256("a")},
                                  known_token{"a_b.c@d+e", {role::admin, role::support}, "", sha256("b")},
                                  known_token{"alice", {role::user, role::viewer}, "u:ü", sha256("c")}}) {
    BOOST_TEST(check_token(each).has_value());
    const auto made = token_file::parse(to_line(each), "t");
    BOOST_REQUIRE_MESSAGE(made, made.error().message);
    const auto* found = made->find(each.roles.has(role::user) ? "c" : each.roles.has(role::admin) ? "b" : "a");
    BOOST_REQUIRE(found != nullptr);
    BOOST_TEST(found->name == each.name);
    BOOST_TEST(found->uid == each.uid);
    BOOST_TEST((found->roles == each.roles));
  }
}

BOOST_AUTO_TEST_CASE(a_line_that_cannot_be_meant_is_refused_with_its_place) {
  const auto hash = digest_word("x");
  const std::string form = "expected NAME ROLE[,ROLE] sha256:HEX [uid:UID]; `fairuse token` prints such a line";
  const std::string digest = "the third word is not sha256: and 64 lower-case hexadecimal digits";
  const std::string name = "the name is not 1 to 64 letters, digits and . _ @ + -";
  const std::string uid = "the uid is not the id of a user";
  const std::pair<std::string, std::string> rows[] = {
      {"a", form},
      {"a viewer", form},
      {"a viewer # " + hash, form},
      {"a viewer " + hash + " uid:u x", form},
      {"a viewer sha256:00", digest},
      {"a viewer sha1:" + hash.substr(7), digest},
      {"a viewer " + hash + "0", digest},
      {"a viewer sha256:" + std::string(64, 'A'), digest},
      {"a viewer sha256:" + std::string(64, 'g'), digest},
      {"a viwer " + hash, "there is no role 'viwer'; did you mean 'viewer'?"},
      {"a viewer,viewer " + hash, "the role 'viewer' is there twice"},
      {"a viewer,,admin " + hash, "there is no role ''"},
      {"a, viewer " + hash, name},
      {"proxy:a viewer " + hash, name},
      {"jwt:a viewer " + hash, name},
      {std::string(65, '.') + " viewer " + hash, name},
      {"a user " + hash, "the role user needs the user's id: uid:UID"},
      {"a viewer " + hash + " uid:u", "a uid belongs to the role user"},
      {"a user " + hash + " u", "the fourth word is not uid: and the id of a user"},
      {"a user " + hash + " uid:", "there is no id behind uid:"},
      {"a user " + hash + " uid:*", uid},
      {"a user " + hash + " uid:\x01", uid},
      {"a user " + hash + " uid:\xFF", uid},
      {"a user " + hash + " uid:" + std::string(251, 'u'), uid},
      {"b admin " + digest_word("y"), "the name 'b' is there twice; give each token its own"},
      {"a admin " + digest_word("b"), "'a' has the token of 'b'; make one for each with `fairuse token`"},
  };
  for (const auto& [line, message] : rows) {
    const auto said = refused_tokens("# first\nb viewer " + digest_word("b") + "\n" + line + "\n");
    BOOST_TEST(said.starts_with("tokens.txt:3: " + message), said);
  }
}

BOOST_AUTO_TEST_CASE(a_token_in_the_file_is_refused_and_not_shown) {
  const auto token = make_token().value();
  for (const auto& line : {"a viewer " + token, "a " + token + " viewer", token, "a viewer sha256:00 " + token,
                           "a viewer " + sha256_hex("x")}) {
    const auto said = refused_tokens(line);
    BOOST_TEST(said.starts_with("tokens.txt:1: holds a token itself"), said);
    BOOST_TEST(said.find(token) == std::string::npos, said);
  }
}

BOOST_AUTO_TEST_CASE(an_empty_file_is_refused_and_a_comment_is_none) {
  for (const auto* text : {"", "\n", " \r\n"})
    BOOST_TEST(refused_tokens(text) == "tokens.txt: is empty; write a line with # if nobody may ask by token");
  BOOST_TEST(token_file::parse("# nobody\n", "tokens.txt").value().size() == 0U);
}

BOOST_AUTO_TEST_CASE(tokens_have_a_limit) {
  std::string text;
  for (std::size_t i = 0; i < token_file::tokens_max; ++i)
    text += "t" + std::to_string(i) + " viewer " + digest_word(std::to_string(i)) + "\n";
  BOOST_TEST(token_file::parse(text, "t").value().find("999")->name == "t999");
  BOOST_TEST(refused_tokens(text + "more viewer " + digest_word("more"))
             == "tokens.txt:1001: there are more than 1000 tokens; let users ask by JWT");
}

BOOST_AUTO_TEST_CASE(tokens_are_long_and_no_two_are_equal) {
  std::set<std::string> all;
  for (int i = 0; i < 1'000; ++i) {
    const auto token = make_token().value();
    BOOST_REQUIRE(is_token(token));
    all.insert(token);
  }
  BOOST_TEST(all.size() == 1'000U);
  BOOST_TEST(is_token(std::string(64, 'a')));
  for (const auto& text : {std::string{}, std::string(42, 'a'), std::string(513, 'a'), std::string(43, '+'),
                           std::string(43, '.'), std::string(43, ' '), std::string(43, '\0'), std::string(43, '\xE4')})
    BOOST_TEST(not is_token(text));
}

BOOST_AUTO_TEST_CASE(every_role_has_a_name) {
  role_set all;
  for (const auto name : role_names) {
    const auto which = role_from(name);
    BOOST_REQUIRE(which.has_value());
    BOOST_TEST(to_text(*which) == name);
    BOOST_TEST(not all.has(*which));
    all.add(*which);
    BOOST_TEST(all.has(*which));
  }
  BOOST_TEST(to_text(all) == "user,viewer,support,policy,admin,producer,gateway,reviewer");
  BOOST_TEST((roles_from(to_text(all)).value() == all));
  BOOST_TEST(not role_from("root").has_value());
  BOOST_TEST(all.has_any({role::admin}));
  BOOST_TEST(not role_set{role::user}.has_any({role::admin, role::viewer}));
  BOOST_TEST((known_roles_in(" admin, root\tviewer ,") == role_set{role::admin, role::viewer}));
}

BOOST_AUTO_TEST_SUITE_END()
