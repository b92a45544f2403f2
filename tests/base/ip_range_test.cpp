// SPDX-License-Identifier: Apache-2.0

#include "base/system/ip_range.hpp"

#include <string>

#include <boost/test/unit_test.hpp>

using namespace fairuse;

BOOST_AUTO_TEST_SUITE(ip_ranges)

BOOST_AUTO_TEST_CASE(an_address_is_in_the_ranges_that_begin_as_it_does) {
  struct row {
    std::string_view range;
    std::string_view address;
    bool is_inside;
  };
  const row rows[] = {
      {"127.0.0.1", "127.0.0.1", true},
      {"127.0.0.1", "127.0.0.2", false},
      {"127.0.0.1", "::ffff:127.0.0.1", true},
      {"::ffff:127.0.0.1", "127.0.0.1", true},
      {"10.0.0.0/8", "10.255.255.255", true},
      {"10.0.0.0/8", "11.0.0.0", false},
      {"10.0.0.0/8", "a00::", false},
      {"192.168.4.0/22", "192.168.7.255", true},
      {"192.168.4.0/22", "192.168.8.0", false},
      {"192.168.4.7/32", "192.168.4.7", true},
      {"0.0.0.0/0", "203.0.113.7", true},
      {"0.0.0.0/0", "2001:db8::1", false},
      {"::/0", "203.0.113.7", true},
      {"::1", "::1", true},
      {"::1", "::2", false},
      {"2001:db8::/32", "2001:db8:ffff::1", true},
      {"2001:db8::/32", "2001:db9::1", false},
      {"2001:db8::/33", "2001:db8:8000::", false},
  };
  for (const auto& each : rows) {
    const auto range = ip_range_from(each.range);
    const auto address = ip_address_from(each.address);
    BOOST_REQUIRE_MESSAGE((range and address), each.range << " " << each.address);
    BOOST_TEST(range->contains(*address) == each.is_inside, each.range << " " << each.address);
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_address_is_refused) {
  using namespace std::string_view_literals;
  for (const auto text : {""sv, "localhost"sv, "127.0.0.1:80"sv, "[::1]"sv, "127.1"sv, "0x7f.0.0.1"sv, "fe80::1%eth0"sv,
                          "127.0.0.1\0"sv, " 127.0.0.1"sv, "::1 "sv, "1.2.3.4.5"sv, "256.0.0.1"sv})
    BOOST_TEST(not ip_address_from(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(what_is_no_range_is_refused_and_says_what_was_meant) {
  for (const std::string_view text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "::/129",
                                      "10.0.0.0/8/8", "10.0.0.0/ 8", "example.com"}) {
    const auto range = ip_range_from(text);
    BOOST_REQUIRE_MESSAGE(not range, text);
    BOOST_TEST(range.error().message
               == "'" + std::string{text} + "' is no address such as 127.0.0.1, and no range such as 10.0.0.0/8");
  }
  const std::pair<std::string_view, std::string_view> meant[] = {
      {"10.1.2.3/8", "10.0.0.0/8"}, {"192.168.1.1/31", "192.168.1.0/31"}, {"2001:db8::1/32", "2001:db8::/32"}};
  for (const auto& [text, wanted] : meant) {
    const auto range = ip_range_from(text);
    BOOST_REQUIRE_MESSAGE(not range, text);
    BOOST_TEST(
        range.error().message.find("write " + std::string{wanted} + ", or the address alone") != std::string::npos,
        range.error().message);
  }
}

BOOST_AUTO_TEST_SUITE_END()
