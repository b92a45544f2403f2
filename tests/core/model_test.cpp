// SPDX-License-Identifier: Apache-2.0
//
// Core against the naive model, decision by decision, field by field. RC_PARAMS="max_success=..." runs more.
#include <array>

#include <boost/test/unit_test.hpp>

#include "tests/model/plays.hpp"

using namespace fairuse;

BOOST_AUTO_TEST_CASE(core_decides_what_the_naive_model_decides) {
  std::array<int, decision_kind_count> told{};
  BOOST_TEST(rc::check("core and model agree", [&told](const model::play& p) {
    model::recording story;
    const auto difference = model::compare(p, &story);
    for (const auto& d : story.decisions)
      ++told[static_cast<std::size_t>(d.kind)];
    if (not difference.empty()) RC_FAIL(difference);
  }));
  // Plays that never get there would prove nothing. A promotion is told of everybody, not of a user.
  for (std::size_t kind = 0; kind < told.size(); ++kind)
    if (static_cast<decision_kind>(kind) != decision_kind::policy_promoted)
      BOOST_TEST(told[kind] > 0, to_text(static_cast<decision_kind>(kind)) << " was never decided");
}
