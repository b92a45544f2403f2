// SPDX-License-Identifier: Apache-2.0
//
// Core against the naive model, decision by decision, field by field. RC_PARAMS="max_success=..." runs more.
#include <boost/test/unit_test.hpp>

#include "tests/model/plays.hpp"

using namespace fairuse;

BOOST_AUTO_TEST_CASE(core_decides_what_the_naive_model_decides) {
  BOOST_TEST(rc::check("core and model agree", [](const model::play& p) {
    const auto difference = model::compare(p);
    if (not difference.empty()) RC_FAIL(difference);
  }));
}
