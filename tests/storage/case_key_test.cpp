// SPDX-License-Identifier: Apache-2.0
#include "storage/case_key.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <boost/test/unit_test.hpp>
#include <unistd.h>

#include "storage/case_reference.hpp"

using namespace fairuse;

BOOST_AUTO_TEST_SUITE(case_keys)

BOOST_AUTO_TEST_CASE(a_case_reference_depends_on_key_user_and_strike) {
  case_namer namer("a key");
  const auto one = namer.reference("somebody", 1);
  BOOST_TEST(one.size() == 15U);
  BOOST_TEST(one.starts_with("FU-"));
  BOOST_TEST(one.find_first_not_of("0123456789ABCDEF", 3) == std::string::npos);
  BOOST_TEST(one == namer.reference("somebody", 1));
  BOOST_TEST(one != namer.reference("somebody", 2));
  BOOST_TEST(one != namer.reference("somebodx", 1));
  BOOST_TEST(one != case_namer("another key").reference("somebody", 1));
  BOOST_TEST(case_namer("a key").check() != case_namer("another key").check());
  // Persistent: HMAC-SHA-256("a key", "case" 00 "somebody" 00000001).
  BOOST_TEST(one == "FU-F7A3EA7C6C6B");
}

BOOST_AUTO_TEST_CASE(a_case_key_comes_from_the_file_the_environment_or_nowhere) {
  ::unsetenv("FAIRUSE_CASE_KEY");
  BOOST_TEST((find_case_key(std::nullopt)->from == case_key_origin::development));
  ::setenv("FAIRUSE_CASE_KEY", "from the environment", 1);
  BOOST_TEST(find_case_key(std::nullopt)->bytes == "from the environment");
  const auto file = std::filesystem::temp_directory_path() / ("fairuse-key-" + std::to_string(::getpid()));
  std::ofstream(file) << "from the key file\n";
  BOOST_TEST(find_case_key(file)->bytes == "from the key file");
  std::ofstream(file) << "short\n";
  BOOST_TEST(not find_case_key(file).has_value());
  std::filesystem::remove(file);
  BOOST_TEST(not find_case_key(file).has_value());
  ::unsetenv("FAIRUSE_CASE_KEY");
}

BOOST_AUTO_TEST_SUITE_END()
