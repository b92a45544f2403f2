// SPDX-License-Identifier: Apache-2.0

#include "api/service/event_thread.hpp"

#include <future>
#include <memory>
#include <vector>

#include <boost/test/unit_test.hpp>

using namespace fairuse;

BOOST_AUTO_TEST_SUITE(what_takes_long)

BOOST_AUTO_TEST_CASE(runs_in_order_on_a_thread_of_its_own) {
  std::vector<int> order;
  std::promise<std::thread::id> last;
  event_thread apart;
  for (int i = 0; i < 3; ++i)
    BOOST_TEST(apart.give(1, [&order, i] { order.push_back(i); }));
  BOOST_TEST(apart.give(1, [&last] { last.set_value(std::this_thread::get_id()); }));
  BOOST_TEST((last.get_future().get() != std::this_thread::get_id()));
  const std::vector<int> wanted{0, 1, 2};
  BOOST_TEST(order == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(is_refused_when_too_much_waits_and_taken_again) {
  std::promise<void> begun;
  std::promise<void> may_end;
  std::promise<void> done;
  event_thread apart{10};
  // What runs does not wait any more.
  BOOST_TEST(apart.give(10, [&] {
    begun.set_value();
    may_end.get_future().wait();
  }));
  begun.get_future().wait();
  BOOST_TEST(apart.give(6, [] {}));
  BOOST_TEST(not apart.give(5, [] { BOOST_ERROR("it was refused"); }));
  BOOST_TEST(apart.give(4, [&done] { done.set_value(); }));
  may_end.set_value();
  done.get_future().wait();
  BOOST_TEST(apart.give(10, [] {}));
}

BOOST_AUTO_TEST_CASE(that_still_waits_at_the_end_is_destroyed_without_being_run) {
  const auto held = std::make_shared<int>(0);
  {
    std::promise<void> begun;
    event_thread apart;
    // Until the end has begun, from when on nothing is taken.
    apart.give(1, [&] {
      begun.set_value();
      while (apart.give(0, [] {}))
        std::this_thread::yield();
    });
    begun.get_future().wait();
    apart.give(1, [held] { ++*held; });
  }
  BOOST_TEST(*held == 0);
  BOOST_TEST(held.use_count() == 1);
}

BOOST_AUTO_TEST_SUITE_END()
