// SPDX-License-Identifier: Apache-2.0
#include "sim/recorded_outcomes.hpp"

#include <deque>
#include <optional>

#include <boost/test/unit_test.hpp>

using namespace fairuse;
using fairuse::history::recorded_review;

namespace {

using ending = recorded_review::ending;

struct recorded_user {
  std::deque<recorded_review> kept;
  std::vector<const recorded_review*> all;
  sim::recorded_outcomes outcomes;

  explicit recorded_user(const std::vector<std::pair<time_ms, ending>>& reviews) {
    for (const auto& [at, ended] : reviews) {
      kept.push_back({.slot = "live", .requested_at = at, .ended = ended, .ended_at = at == never ? never : at + 10});
      all.push_back(&kept.back());
    }
    outcomes.begin_user(all, 2);
  }

  /// The place of the outcome among the recorded ones.
  std::optional<std::size_t> take(std::size_t slot, time_ms at, std::int64_t cooldown) {
    const auto* found = outcomes.take(slot, at, cooldown);
    if (found == nullptr) return std::nullopt;
    return static_cast<std::size_t>(std::find(all.begin(), all.end(), found) - all.begin());
  }
};

} // namespace

BOOST_AUTO_TEST_CASE(the_nearest_outcome_within_the_cooldown_answers_a_request) {
  recorded_user who{{{100, ending::answered}, {200, ending::failed}, {300, ending::timed_out}}};
  BOOST_TEST((who.take(0, 190, 50) == 1U));
  BOOST_TEST((who.take(0, 1'000, 50) == std::nullopt));
  BOOST_TEST((who.take(0, 350, 50) == 2U));
  BOOST_TEST((who.take(0, 49, 50) == std::nullopt));
  BOOST_TEST((who.take(0, 50, 50) == 0U));
}

BOOST_AUTO_TEST_CASE(the_earlier_of_two_outcomes_that_are_as_near_answers) {
  recorded_user who{{{100, ending::answered}, {200, ending::answered}}};
  BOOST_TEST((who.take(0, 150, 50) == 0U));
  BOOST_TEST((who.take(0, 150, 50) == 1U));
}

BOOST_AUTO_TEST_CASE(an_outcome_answers_one_request_of_every_slot) {
  recorded_user who{{{100, ending::answered}}};
  BOOST_TEST((who.take(0, 100, 50) == 0U));
  BOOST_TEST((who.take(0, 100, 50) == std::nullopt));
  BOOST_TEST((who.take(1, 100, 50) == 0U));
}

BOOST_AUTO_TEST_CASE(a_request_that_was_still_open_answers_nothing) {
  recorded_user who{{{100, ending::open}, {120, ending::answered}}};
  BOOST_TEST((who.take(0, 100, 50) == 1U));
}

BOOST_AUTO_TEST_CASE(an_answer_without_a_known_request_counts_from_its_own_instant) {
  recorded_user who{{{never, ending::answered}}};
  who.kept.front().ended_at = 130;
  BOOST_TEST((who.take(0, 100, 50) == 0U));
}
