// SPDX-License-Identifier: Apache-2.0

#include "base/pure/base64.hpp"

#include <boost/test/unit_test.hpp>

using namespace fairuse;

BOOST_AUTO_TEST_SUITE(base64_texts)

BOOST_AUTO_TEST_CASE(the_samples_of_rfc_4648_are_written_and_read) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
      {"\xFB\xFF\xBF", "+/+/"},
  };
  for (const auto& [bytes, text] : rows) {
    BOOST_TEST(to_base64(bytes) == text);
    BOOST_TEST(from_base64(text).value() == bytes);
  }
  BOOST_TEST(from_base64("Zg").value() == "f");
}

BOOST_AUTO_TEST_CASE(all_bytes_come_back) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes += static_cast<char>(i);
    BOOST_TEST(from_base64(to_base64(bytes)).value() == bytes);
    BOOST_TEST(from_base64url(to_base64url(bytes)).value() == bytes);
  }
}

BOOST_AUTO_TEST_CASE(other_texts_are_refused) {
  for (const std::string_view text : {"Z", "Zm9vY", "Zh==", "Zm9=", "Zm 9v", "Zm9v\n", "Zg===", "Z=g=", "Zm9-"})
    BOOST_TEST(not from_base64(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(base64url_has_other_digits_and_no_padding) {
  BOOST_TEST(to_base64url("\xFB\xFF\xBF") == "-_-_");
  BOOST_TEST(to_base64url("f") == "Zg");
  BOOST_TEST(to_base64url("fo") == "Zm8");
  BOOST_TEST(from_base64url("-_-_").value() == "\xFB\xFF\xBF");
  BOOST_TEST(from_base64url("").value() == "");
  for (const std::string_view text : {"Z", "Zm9vY", "Zh", "Zm9", "Zg==", "Zm8=", "Zm 9v", "Zm9v\n", "+/+/", "Zm9\xE4"})
    BOOST_TEST(not from_base64url(text).has_value(), text);
}

BOOST_AUTO_TEST_SUITE_END()
