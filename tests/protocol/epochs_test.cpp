// SPDX-License-Identifier: Apache-2.0
//
// When an epoch ends: a fixed time after the last one was sealed.
#include <string>

#include <boost/test/unit_test.hpp>

#include "tests/protocol/scenario.hpp"

using namespace fairuse;
using namespace fairuse::protocol;

namespace {

const std::string name = "fairuse.m0.0";
/// A round of a scenario takes 10 ms, an epoch two rounds.
constexpr int rounds_per_second = 100;
constexpr std::uint64_t epochs_per_second = 50;

struct epochs_fixture {
  scenario on{quiet_settings(1)};

  epochs_fixture() {
    on.start(name);
    on.feed(5);
    on.until_caught_up();
  }
  void pass(int rounds, int records_each = 0) {
    on.until("time passes", [&] {
      on.feed(records_each);
      return --rounds <= 0;
    });
  }
  /// Until all that was fed is decided.
  int rounds_until_decided() {
    int rounds = 0;
    on.until("decided", [&] {
      ++rounds;
      return not on.at(name).finished(on.in.input_ends()).empty();
    });
    return rounds;
  }
  std::uint64_t transactions() {
    // A worker updates its status ten times a second.
    pass(rounds_per_second);
    return on.at(name).status().transactions;
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(epochs, epochs_fixture)

BOOST_AUTO_TEST_CASE(what_comes_after_a_quiet_while_does_not_wait_for_company) {
  pass(rounds_per_second);
  on.feed(1);
  // One to fetch it, one to decide; an epoch of its own would take two more.
  BOOST_TEST(rounds_until_decided() <= 2);
}

BOOST_AUTO_TEST_CASE(what_comes_all_the_time_is_decided_once_an_epoch) {
  const auto before = transactions();
  pass(rounds_per_second, 1);
  const auto made = transactions() - before;
  BOOST_TEST(made <= epochs_per_second + 3);
  BOOST_TEST(made >= epochs_per_second / 2);
}

// Every second abort is answered otherwise (tests/simlog/fencing_test.cpp).
BOOST_AUTO_TEST_CASE(a_worker_that_is_fenced_with_unsent_records_goes_on_whatever_the_abort_answers) {
  for (std::uint64_t fence = 1; fence <= 4; ++fence) {
    on.inject(name, simlog::point::flush, simlog::fault::early, [this] {
      simlog::credentials rival{name};
      on.in.log.init(rival, kafka::milliseconds{1'000}, {});
    });
    on.feed(3);
    on.until_caught_up();
    pass(rounds_per_second);
    BOOST_TEST(on.at(name).status().recycled == fence);
  }
  on.finish();
}

BOOST_AUTO_TEST_SUITE_END()
