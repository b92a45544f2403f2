// SPDX-License-Identifier: Apache-2.0

#include "streams/kafka/broker/oauth_token.hpp"

#include <boost/test/unit_test.hpp>

using namespace fairuse::kafka;

namespace {

std::string refused(std::string_view text) {
  const auto token = parse_token(text);
  return token ? "" : token.error().message;
}

} // namespace

BOOST_AUTO_TEST_SUITE(oauth_tokens)

BOOST_AUTO_TEST_CASE(subject_and_end_are_read_from_the_claims) {
  // {"alg":"none"} . {"sub":"alice","exp":1800000000} .
  const auto token = parse_token("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSIsImV4cCI6MTgwMDAwMDAwMH0.");
  BOOST_REQUIRE(token.has_value());
  BOOST_TEST(token->principal == "alice");
  BOOST_TEST(token->expires_at == 1'800'000'000'000);
  BOOST_TEST(token->text.ends_with("."));
}

BOOST_AUTO_TEST_CASE(what_is_no_token_is_refused_without_being_repeated) {
  BOOST_TEST(refused("") == "is no JWT: three parts with dots between them");
  BOOST_TEST(refused("a.b") == "is no JWT: three parts with dots between them");
  BOOST_TEST(refused("a.!!.c") == "has claims that are no JSON");
  BOOST_TEST(refused("a.e30.c") == "lacks a claim: sub and exp are needed");
  // {"sub":"alice","exp":"soon"}
  BOOST_TEST(refused("a.eyJzdWIiOiJhbGljZSIsImV4cCI6InNvb24ifQ.c") == "lacks a claim: sub and exp are needed");
}

BOOST_AUTO_TEST_CASE(a_file_that_is_not_there_is_named) {
  BOOST_TEST(read_token("/nonexistent/token").error().message == "the token file /nonexistent/token cannot be read");
}

BOOST_AUTO_TEST_SUITE_END()
