// SPDX-License-Identifier: Apache-2.0
#include "base/pure/text_table.hpp"

#include <boost/test/unit_test.hpp>

using namespace fairuse;

BOOST_AUTO_TEST_SUITE(base_text_table)

namespace {

text_table fruit() {
  text_table made{{{"name", text_table::align::left}, {"weight\nkg"}, {"price"}}};
  made.add({"Äpfel", "1.5", "3"});
  made.add({"pears", "12.5", "4,000"});
  return made;
}

} // namespace

BOOST_AUTO_TEST_CASE(columns_are_as_wide_as_their_widest_cell) {
  BOOST_TEST(fruit().text()
             == "name   weight  price\n"
                "           kg\n"
                "Äpfel     1.5      3\n"
                "pears    12.5  4,000\n");
}

BOOST_AUTO_TEST_CASE(a_table_that_is_too_wide_goes_on_below_with_its_first_column) {
  BOOST_TEST(fruit().text(20) == fruit().text());
  BOOST_TEST(fruit().text(19)
             == "name   weight\n"
                "           kg\n"
                "Äpfel     1.5\n"
                "pears    12.5\n"
                "\n"
                "name   price\n"
                "Äpfel      3\n"
                "pears  4,000\n");
  BOOST_TEST(fruit().text(1) == fruit().text(19));
}

BOOST_AUTO_TEST_CASE(a_long_line_goes_on_below_its_value) {
  BOOST_TEST(wrapped("key  one two three", 5, 80) == "key  one two three");
  BOOST_TEST(wrapped("key  one two three", 5, 12) == "key  one two\n     three");
  BOOST_TEST(wrapped("key  a  b", 5, 9) == "key  a  b");
  BOOST_TEST(wrapped("key  threeandmore four", 5, 8) == "key  threeandmore\n     four");
  BOOST_TEST(wrapped("", 5) == "");
}

BOOST_AUTO_TEST_CASE(numbers_have_commas) {
  BOOST_TEST(grouped(0) == "0");
  BOOST_TEST(grouped(999) == "999");
  BOOST_TEST(grouped(1'000) == "1,000");
  BOOST_TEST(grouped(1'234'567) == "1,234,567");
}

BOOST_AUTO_TEST_SUITE_END()
