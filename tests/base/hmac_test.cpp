// SPDX-License-Identifier: Apache-2.0
#include "base/system/hmac.hpp"

#include <string>

#include <boost/test/unit_test.hpp>

#include "base/pure/hex.hpp"

namespace fairuse {

namespace {

std::string code_of(hmac_sha256& mac, std::string_view message) {
  mac.add(message);
  const auto code = mac.finish();
  return to_hex(as_bytes(code));
}

} // namespace

BOOST_AUTO_TEST_SUITE(hmac)

// Test cases 1, 2 and 6 of RFC 4231.
BOOST_AUTO_TEST_CASE(codes_are_those_of_the_standard) {
  hmac_sha256 first(std::string(20, '\x0b'));
  BOOST_TEST(code_of(first, "Hi There") == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  hmac_sha256 second("Jefe");
  BOOST_TEST(code_of(second, "what do ya want for nothing?")
             == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  hmac_sha256 long_key(std::string(131, '\xaa'));
  BOOST_TEST(code_of(long_key, "Test Using Larger Than Block-Size Key - Hash Key First")
             == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

BOOST_AUTO_TEST_CASE(one_message_after_the_other_gives_the_codes_of_each) {
  hmac_sha256 mac("Jefe");
  const auto first = code_of(mac, "one");
  BOOST_TEST(code_of(mac, "two") != first);
  BOOST_TEST(code_of(mac, "one") == first);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse
