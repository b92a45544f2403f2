// SPDX-License-Identifier: Apache-2.0

#include "api/identity/verified_tokens.hpp"

#include <boost/test/unit_test.hpp>

using namespace fairuse;

namespace {

struct cache_fixture {
  void add(const std::string& token, time_ms ends_at = 1'000) {
    known.add(token, {"u-" + token, {role::user}, ends_at}, keys, 100);
  }
  bool has(const std::string& token, time_ms now = 100) { return known.find(token, keys, now).has_value(); }

  verified_tokens::keys keys = std::make_shared<const jwk_set>();
  verified_tokens known{3};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(tokens_that_were_checked, cache_fixture)

BOOST_AUTO_TEST_CASE(a_token_is_known_by_all_of_it) {
  add("abc");
  const auto found = known.find("abc", keys, 100);
  BOOST_REQUIRE(found);
  BOOST_TEST(found->name == "u-abc");
  for (const std::string other : {"ab", "abcd", "abd", "", "ABC"})
    BOOST_TEST(not has(other), other);
}

BOOST_AUTO_TEST_CASE(it_ends_when_the_token_does_and_not_before_it_was_checked) {
  add("a");
  BOOST_TEST(has("a", 999));
  BOOST_TEST(not has("a", 1'000));
  BOOST_TEST(not has("a", 99));
}

BOOST_AUTO_TEST_CASE(another_set_of_keys_knows_none) {
  add("a");
  const auto before = keys;
  keys = std::make_shared<const jwk_set>();
  BOOST_TEST(not has("a"));
  add("b");
  BOOST_TEST(has("b"));
  // Who still holds the former keys learns nothing of the present ones.
  BOOST_TEST(not known.find("b", before, 100));
}

BOOST_AUTO_TEST_CASE(for_one_more_the_oldest_goes) {
  for (const auto* each : {"a", "b", "c", "a", "d"})
    add(each);
  BOOST_TEST(known.size() == 3U);
  BOOST_TEST(not has("a"));
  BOOST_TEST(has("b"));
  BOOST_TEST(has("d"));
}

BOOST_AUTO_TEST_SUITE_END()
