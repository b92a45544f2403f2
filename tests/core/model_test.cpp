// SPDX-License-Identifier: Apache-2.0
//
// Core against the naive model, decision by decision, field by field. RC_PARAMS="max_success=..." runs more.
#include <array>

#include <boost/test/unit_test.hpp>

#include "tests/model/scenario_generators.hpp"

using namespace fairuse;

BOOST_AUTO_TEST_CASE(core_decides_what_the_naive_model_decides) {
  std::array<int, decision_kind_count> decided{};
  BOOST_TEST(rc::check("core and model agree", [&decided](const model::scenario& what) {
    model::recording recorded;
    const auto difference = model::compare(what, &recorded);
    for (const auto& each : recorded.decisions)
      ++decided[static_cast<std::size_t>(each.kind)];
    if (not difference.empty()) RC_FAIL(difference);
  }));
  // The scenarios must write every kind of decision. A promotion is decided for all users, not for one.
  for (std::size_t kind = 0; kind < decided.size(); ++kind)
    if (static_cast<decision_kind>(kind) != decision_kind::policy_promoted)
      BOOST_TEST(decided[kind] > 0, to_text(static_cast<decision_kind>(kind)) << " was never decided");
}
