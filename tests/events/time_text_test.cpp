// SPDX-License-Identifier: Apache-2.0
#include "events/time_text.hpp"

#include <boost/test/unit_test.hpp>

using namespace fairuse;

BOOST_AUTO_TEST_SUITE(time_text)

BOOST_AUTO_TEST_CASE(known_instants_are_read_and_written) {
  struct row {
    std::string_view text;
    time_ms value;
    std::string_view written;
  };
  const row rows[] = {
      {"1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00.000Z"},
      {"2026-11-22T09:27:32.123Z", 1'795'339'652'123, "2026-11-22T09:27:32.123Z"},
      {"2026-11-22t10:27:32.123456789+01:00", 1'795'339'652'123, "2026-11-22T09:27:32.123Z"},
      {"2026-11-21T21:57:32.1239-11:30", 1'795'339'652'123, "2026-11-22T09:27:32.123Z"},
      {"2026-11-22T09:27:32-00:00", 1'795'339'652'000, "2026-11-22T09:27:32.000Z"},
      {"2026-11-22T09:27:32.9999z", 1'795'339'652'999, "2026-11-22T09:27:32.999Z"},
      {"2000-02-29T23:59:59.5Z", 951'868'799'500, "2000-02-29T23:59:59.500Z"},
      {"2100-02-28T00:00:00Z", 4'107'456'000'000, "2100-02-28T00:00:00.000Z"},
      {"1969-12-31T23:59:59.999Z", -1, "1969-12-31T23:59:59.999Z"},
      {"2016-12-31T23:59:60Z", 1'483'228'800'000, "2017-01-01T00:00:00.000Z"},
      {"2017-01-01T00:59:60.25+01:00", 1'483'228'800'250, "2017-01-01T00:00:00.250Z"},
      {"0000-01-01T00:00:00Z", -62'167'219'200'000, "0000-01-01T00:00:00.000Z"},
      {"9999-12-31T23:59:59.999Z", 253'402'300'799'999, "9999-12-31T23:59:59.999Z"},
  };
  for (const auto& [text, value, written] : rows) {
    BOOST_TEST_CONTEXT(text) {
      const auto read = time_from(text);
      BOOST_TEST_REQUIRE(read.has_value());
      BOOST_TEST(*read == value);
      BOOST_TEST(to_time_text(value) == written);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_not_rfc_3339_is_refused) {
  const std::string_view rows[] = {"",
                                   "2026",
                                   "2026-11-22",
                                   "2026-11-22T09:27:32",
                                   "2026-11-22 09:27:32Z",
                                   "2026-11-22T09:27Z",
                                   "2026-11-22T09:27:32.Z",
                                   "2026-11-22T09:27:32,5Z",
                                   "2026-11-22T09:27:32+1:00",
                                   "2026-11-22T09:27:32+0100",
                                   "2026-11-22T09:27:32+01",
                                   "2026-11-22T09:27:32Z ",
                                   " 2026-11-22T09:27:32Z",
                                   "2026-00-10T00:00:00Z",
                                   "2026-13-10T00:00:00Z",
                                   "2026-11-00T00:00:00Z",
                                   "2026-11-31T00:00:00Z",
                                   "2026-02-29T00:00:00Z",
                                   "2100-02-29T00:00:00Z",
                                   "2026-11-22T24:00:00Z",
                                   "2026-11-22T23:60:00Z",
                                   "2026-11-22T23:59:61Z",
                                   "2026-11-22T12:00:60Z",
                                   "2026-11-22T23:59:60+01:00",
                                   "2026-11-22T00:00:00+24:00",
                                   "2026-11-22T00:00:00+01:60",
                                   "-026-11-22T00:00:00Z",
                                   "+2026-11-22T00:00:00Z",
                                   "2026-11-22T00:00:00.5",
                                   "12026-11-22T00:00:00Z"};
  for (const auto text : rows)
    BOOST_TEST(not time_from(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(every_day_of_four_centuries_comes_back) {
  // Walks the calendar day by day beside the arithmetic.
  constexpr time_ms first = 946'684'800'000; // 2000-01-01
  time_ms value = first;
  std::string last;
  for (int day = 0; day < 146'097 + 366; ++day, value += day_ms) {
    const auto text = to_time_text(value + day % 1000);
    const auto read = time_from(text);
    BOOST_TEST_REQUIRE(read.has_value(), text);
    BOOST_TEST_REQUIRE(*read == value + day % 1000, text);
    BOOST_TEST_REQUIRE(last < text);
    last = text;
  }
}

BOOST_AUTO_TEST_SUITE_END()
