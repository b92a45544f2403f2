// SPDX-License-Identifier: Apache-2.0

#include "api/service/accept_language.hpp"

#include <boost/test/unit_test.hpp>

using namespace fairuse;

BOOST_AUTO_TEST_SUITE(the_language_of_a_client)

BOOST_AUTO_TEST_CASE(is_the_one_liked_best_of_those_that_there_are) {
  struct {
    const char* header;
    const char* locale;
  } const rows[] = {
      {"", ""},
      {"de", "de"},
      {"DE-at", "de"},
      {"xx, de;q=0.3", "de"},
      {"en;q=0.5, de;q=0.9", "de"},
      {"de;q=0.9, en;q=0.9", "de"},
      {"en;q=0.9,de;q=0.95", "de"},
      {"de;q=0, en;q=0.001", "en"},
      {"*, de;q=0.5", ""},
      {"de, *;q=0.5", "de"},
      {"de;q=2, en;q=0.1", "en"},
      {"de;q=high", ""},
      {"de;q=-1", ""},
      {"de;q=nan", ""},
      {";;;,,", ""},
      {"\xff\xfe", ""},
  };
  for (const auto& each : rows)
    BOOST_TEST_CONTEXT(each.header) BOOST_TEST(accepted_locale(shipped_messages(), each.header) == each.locale);
}

BOOST_AUTO_TEST_SUITE_END()
