// SPDX-License-Identifier: Apache-2.0
#include <boost/test/unit_test.hpp>

#include "events/json_scan.hpp"
#include "events/json_text.hpp"

using namespace fairuse;

namespace {

std::string quoted(std::string_view text) {
  std::string out;
  append_json(out, text);
  return out;
}

std::string nano_text(std::int64_t value) {
  std::string out;
  append_json_nano(out, value);
  return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(json)

BOOST_AUTO_TEST_CASE(strings_are_escaped_where_json_demands_it_and_nowhere_else) {
  BOOST_TEST(quoted("") == R"("")");
  BOOST_TEST(quoted("plain / ü € 😀 \x7f") == "\"plain / ü € 😀 \x7f\"");
  BOOST_TEST(quoted("a\"b\\c") == R"("a\"b\\c")");
  BOOST_TEST(quoted("\n\r\t\b\f") == R"("\n\r\t\u0008\u000c")");
  BOOST_TEST(quoted(std::string_view("\0\x1f", 2)) == R"("\u0000\u001f")");
}

BOOST_AUTO_TEST_CASE(a_text_that_is_no_utf8_says_from_where) {
  for (const std::string_view good : {"", "plain", "ü € 😀", "\x7f"})
    BOOST_TEST(not find_utf8_fault(good).has_value(), good);
  const std::pair<std::string_view, std::size_t> rows[] = {
      {"\xff", 0},          {"Sch\xf6n", 3}, {"ü\xc3", 2},  {"😀\xf0\x9f\x98", 4},
      {"a\xed\xa0\x80", 1}, {"\xc0\x80", 0}, {"ab\x80", 2},
  };
  for (const auto& [bad, at] : rows)
    BOOST_TEST(find_utf8_fault(bad).value_or(999) == at, at);
}

BOOST_AUTO_TEST_CASE(nanos_are_exact_decimals) {
  BOOST_TEST(nano_text(0) == "0");
  BOOST_TEST(nano_text(1) == "0.000000001");
  BOOST_TEST(nano_text(850'000'000) == "0.85");
  BOOST_TEST(nano_text(999'999'999) == "0.999999999");
  BOOST_TEST(nano_text(1'000'000'000) == "1");
  BOOST_TEST(nano_text(-100'000'000) == "-0.1");
  BOOST_TEST(nano_text(12'500'000'000) == "12.5");
}

BOOST_AUTO_TEST_CASE(shares_are_read_as_written) {
  struct row {
    std::string_view text;
    std::int32_t nano;
  };
  const row rows[] = {
      {"0", 0},
      {"-0", 0},
      {"0.0e5", 0},
      {"0.7", 700'000'000},
      {"0.70", 700'000'000},
      {"7e-1", 700'000'000},
      {"0.07E+1", 700'000'000},
      {"700000e-6", 700'000'000},
      {"0.69999999999999999999", 699'999'999},
      {"0.3", 300'000'000},
      {"0.1234567899", 123'456'789},
      {"0.0000000019", 1},
      {"12.5e-3", 12'500'000},
      {"1e-9", 1},
      {"9.99e-10", 0},
      {"1e-300", 0},
      {"1e-99999999999999999999", 0},
      {"0e99999999999999999999", 0},
      {"1", 1'000'000'000},
      {"1.000", 1'000'000'000},
      {"100e-2", 1'000'000'000},
      {"0.001e3", 1'000'000'000},
      {"0.9999999999", 999'999'999},
  };
  for (const auto& [text, nano] : rows) {
    const auto read = nano_from(text);
    BOOST_TEST_REQUIRE(read.has_value(), text);
    BOOST_TEST(*read == nano, text);
  }
  for (const std::string_view text : {"1.0000000000000000001", "1.1", "2", "10", "1e1", "-0.1", "-1e-20", "1e400"})
    BOOST_TEST(not nano_from(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(every_prefix_of_a_valid_text_is_truncated_at_its_end) {
  const std::string_view text = R"({"a":[1,-2.5e+3,true,false,null,{}],"ü":"x\n\u00e9\ud83d\ude00 😀","b":{"c":[[]]}})";
  BOOST_TEST(not find_json_fault(text, 64).has_value());
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto fault = find_json_fault(text.substr(0, size), 64);
    BOOST_TEST_REQUIRE(fault.has_value());
    BOOST_TEST_CONTEXT(text.substr(0, size)) {
      BOOST_TEST((fault->why == refusal::truncated));
      BOOST_TEST(fault->byte == size);
    }
  }
}

BOOST_AUTO_TEST_CASE(bytes_that_are_no_utf8_are_found_where_they_stand) {
  struct row {
    std::string_view bytes;
    refusal why;
  };
  const row rows[] = {{"\x80", refusal::bad_utf8},         {"\xc0\xaf", refusal::bad_utf8},
                      {"\xc3(", refusal::bad_utf8},        {"\xe0\x80\xaf", refusal::bad_utf8},
                      {"\xed\xa0\x80", refusal::bad_utf8}, {"\xf4\x90\x80\x80", refusal::bad_utf8},
                      {"\xff", refusal::bad_utf8},         {"\xf0\x9f\x98(", refusal::bad_utf8}};
  for (const auto& [bytes, why] : rows) {
    const auto fault = find_json_fault("{\"a\":\"" + std::string(bytes) + "\"}", 64);
    BOOST_TEST_REQUIRE(fault.has_value());
    BOOST_TEST((fault->why == why));
    BOOST_TEST(fault->byte == 6U);
  }
  const auto outside = find_json_fault("{\"a\":ü}", 64);
  BOOST_TEST_REQUIRE(outside.has_value());
  BOOST_TEST((outside->why == refusal::not_json));
  BOOST_TEST(outside->byte == 5U);
}

BOOST_AUTO_TEST_CASE(members_are_found_again_by_their_place) {
  const std::string_view text = R"( { "a" : "x\"}," , "b":[1,{"c":"]"}] ,"d": -1.5e3 , "e":{"f":0.25}} )";
  BOOST_TEST(raw_member(text, 0) == R"("x\"},")");
  BOOST_TEST(raw_member(text, 1) == R"([1,{"c":"]"}])");
  BOOST_TEST(raw_member(text, 2) == "-1.5e3");
  BOOST_TEST(raw_member(raw_member(text, 3), 0) == "0.25");
}

BOOST_AUTO_TEST_SUITE_END()
