// SPDX-License-Identifier: Apache-2.0
#include "base/system/sha256.hpp"

#include <boost/test/unit_test.hpp>

#include "base/pure/hex.hpp"

BOOST_AUTO_TEST_SUITE(base_sha256)

namespace {

using namespace fairuse;

} // namespace

// The values of FIPS 180-4.
BOOST_AUTO_TEST_CASE(known_texts_have_their_known_hashes) {
  BOOST_TEST(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  BOOST_TEST(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

BOOST_AUTO_TEST_CASE(pieces_have_the_hash_of_the_whole) {
  running_sha256 running;
  running.add("a");
  running_sha256 copied = running;
  running.add("bc");
  BOOST_TEST((running.finish() == sha256("abc")));
  copied.add("x");
  BOOST_TEST((copied.finish() == sha256("ax")));
  running.restart();
  BOOST_TEST((running.finish() == sha256("")));
}

BOOST_AUTO_TEST_SUITE_END()
