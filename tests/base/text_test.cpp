// SPDX-License-Identifier: Apache-2.0
#include "base/pure/text.hpp"

#include <cstdint>
#include <optional>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "base/pure/hex.hpp"
#include "base/pure/log_level.hpp"
#include "base/pure/numbers.hpp"
#include "base/pure/quantile.hpp"

BOOST_AUTO_TEST_SUITE(base_text)

namespace {

using namespace fairuse;

} // namespace

BOOST_AUTO_TEST_CASE(a_number_is_the_whole_text_or_none) {
  const struct {
    std::string_view text;
    std::optional<std::int16_t> number;
  } rows[] = {
      {"0", 0},           {"-12", -12},         {"007", 7},           {"32767", 32767},     {"32768", std::nullopt},
      {"", std::nullopt}, {" 1", std::nullopt}, {"+1", std::nullopt}, {"1 ", std::nullopt}, {"1x", std::nullopt},
  };
  for (const auto& row : rows)
    BOOST_TEST((parse_number<std::int16_t>(row.text) == row.number), row.text);
  BOOST_TEST(not parse_number<std::uint16_t>("-1"));
  BOOST_TEST((parse_number<std::uint64_t>("ffffffffffffffff", 16) == UINT64_MAX));
  BOOST_TEST((parse_number<double>("0.5") == 0.5));
  BOOST_TEST(not parse_number<double>("0.5s"));
}

BOOST_AUTO_TEST_CASE(control_characters_are_those_of_ascii) {
  for (const std::string_view text : {"", "u-1", "\xC3\xBC \xC2\x80", "~"})
    BOOST_TEST(not has_control(text), text);
  using namespace std::string_view_literals;
  for (const auto text : {"\0"sv, "a\nb"sv, "\x1f"sv, "b\x7f"sv})
    BOOST_TEST(has_control(text), text);
}

BOOST_AUTO_TEST_CASE(what_an_editor_adds_is_no_part_of_a_value) {
  const struct {
    std::string_view text;
    std::string_view value;
  } rows[] = {
      {"a b", "a b"},
      {"a\n", "a"},
      {"\xEF\xBB\xBF\x61\r\n", "a"},
      {"a\n\r\n", "a"},
      {"\n a", "\n a"},
      {"", ""},
      {"\xEF\xBB\xBF", ""},
      {"\r\n", ""},
      {"\xEF\xBB", "\xEF\xBB"},
      {"a\xEF\xBB\xBF", "a\xEF\xBB\xBF"},
  };
  for (const auto& row : rows)
    BOOST_TEST(value_alone(row.text) == row.value);
}

BOOST_AUTO_TEST_CASE(a_number_is_taken_off_the_front) {
  std::string_view text = "12-34";
  BOOST_TEST((take_number<std::uint32_t>(text) == 12U));
  BOOST_TEST(text == "-34");
  BOOST_TEST(not take_number<std::uint32_t>(text));
  BOOST_TEST(text == "-34");
}

BOOST_AUTO_TEST_CASE(bytes_become_digits_and_come_back) {
  constexpr std::string_view bytes("\x00\x7f\xab\xff", 4);
  BOOST_TEST(to_hex(bytes) == "007fabff");
  BOOST_TEST(to_upper_hex(bytes) == "007FABFF");
  BOOST_TEST((from_hex("007fabff") == std::string(bytes)));
  BOOST_TEST((from_hex("") == std::string()));
  for (const std::string_view wrong : {"0", "0g", "FF", " 0"})
    BOOST_TEST(not from_hex(wrong), wrong);
  BOOST_TEST(to_hex(std::uint64_t{0xbeef}) == "000000000000beef");
}

BOOST_AUTO_TEST_CASE(a_log_level_has_the_name_of_the_settings) {
  BOOST_TEST(to_text(log_level::warning) == "warn");
  BOOST_TEST(to_text(log_level::error) == "error");
}

BOOST_AUTO_TEST_CASE(a_quantile_is_the_value_of_its_rank) {
  const std::vector<int> sorted{1, 2, 3, 4};
  BOOST_TEST(quantile_of(sorted, 1) == 1);
  BOOST_TEST(quantile_of(sorted, 50) == 2);
  BOOST_TEST(quantile_of(sorted, 51) == 3);
  BOOST_TEST(quantile_of(sorted, 100) == 4);
}

BOOST_AUTO_TEST_SUITE_END()
