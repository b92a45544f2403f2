// SPDX-License-Identifier: Apache-2.0

#include "streams/kafka/worker/epoch_size.hpp"

#include <boost/test/unit_test.hpp>

using fairuse::kafka::epoch_size;

namespace {

constexpr std::size_t most = 400'000;
constexpr std::int64_t longest_ms = 3'000;

} // namespace

BOOST_AUTO_TEST_SUITE(epoch_sizes)

BOOST_AUTO_TEST_CASE(double_up_to_what_fits) {
  epoch_size size(most, longest_ms);
  BOOST_TEST(size.records() == epoch_size::first);
  size.took(size.records(), 100);
  BOOST_TEST(size.records() == 2 * epoch_size::first);
  // 100 records a ms.
  for (int i = 0; i < 5; ++i)
    size.took(size.records(), static_cast<std::int64_t>(size.records() / 100));
  BOOST_TEST(size.records() == 300'000U);
  for (int i = 0; i < 5; ++i)
    size.took(size.records(), 1);
  BOOST_TEST(size.records() == most);
}

BOOST_AUTO_TEST_CASE(shrink_at_once_to_what_would_have_fitted) {
  epoch_size size(most, longest_ms);
  size.took(size.records(), 30'000);
  BOOST_TEST(size.records() == epoch_size::first / 10);
  // As slow as that, but within its time.
  size.took(size.records(), 3'000);
  BOOST_TEST(size.records() == epoch_size::first / 10);
}

BOOST_AUTO_TEST_CASE(say_nothing_about_epochs_that_were_not_full) {
  epoch_size size(most, longest_ms);
  size.took(10, 1);
  size.took(10, 2'000);
  BOOST_TEST(size.records() == epoch_size::first);
}

BOOST_AUTO_TEST_CASE(fall_with_every_failure_but_not_to_nothing) {
  epoch_size size(most, longest_ms);
  size.failed();
  BOOST_TEST(size.records() == epoch_size::first / 4);
  for (int i = 0; i < 10; ++i)
    size.failed();
  BOOST_TEST(size.records() == epoch_size::least);
  epoch_size tiny(20, longest_ms);
  tiny.failed();
  tiny.took(20, 1);
  BOOST_TEST(tiny.records() == 20U);
}

BOOST_AUTO_TEST_SUITE_END()
