// SPDX-License-Identifier: Apache-2.0
#include "base/pure/result.hpp"

#include <memory>

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(base_result)

namespace {

using namespace fairuse;

enum class fault { small, large };

result<int, fault> half(int number) {
  if (number % 2 != 0) return number < 10 ? fault::small : fault::large;
  return number / 2;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_result_is_a_value_or_an_error) {
  BOOST_TEST(*half(8) == 4);
  BOOST_TEST((half(3).error() == fault::small));
  BOOST_TEST((half(13).error() == fault::large));
}

BOOST_AUTO_TEST_CASE(a_result_without_a_value_is_done_or_an_error) {
  result<void> done;
  BOOST_TEST(done.has_value());
  done = error{"no room", std::errc::no_space_on_device};
  BOOST_TEST(done.error().message == "no room");
  BOOST_TEST((done.error().cause == std::errc::no_space_on_device));
}

BOOST_AUTO_TEST_CASE(a_value_may_be_one_that_only_moves) {
  result<std::unique_ptr<int>> made = std::make_unique<int>(7);
  const auto moved = std::move(made);
  BOOST_TEST(**moved == 7);
}

BOOST_AUTO_TEST_CASE(a_copy_of_a_yes_or_no_is_the_same) {
  result<bool> no = false;
  auto copied = no;
  BOOST_TEST(copied.has_value());
  BOOST_TEST(not *copied);
  result<bool> failed = error{"why"};
  auto also_failed = failed;
  BOOST_TEST(not also_failed.has_value());
}

BOOST_AUTO_TEST_SUITE_END()
