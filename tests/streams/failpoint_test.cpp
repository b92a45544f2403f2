// SPDX-License-Identifier: Apache-2.0

#include "streams/failpoint.hpp"

#include <string>

#include <boost/test/unit_test.hpp>

namespace fairuse {

BOOST_AUTO_TEST_CASE(a_failpoint_must_be_named_right) {
  for (const auto* bad : {"", "x", "epoch_sealed", "epoch_sealed:sleep", "epoch_sealed:kill:0", "epoch_sealed:kill:x",
                          "nowhere:kill", "epoch_sealed:kill:1:2"}) {
    std::string problem;
    BOOST_TEST(not failpoint::arm(bad, problem));
    BOOST_TEST(problem.find("epoch_sealed") != std::string::npos);
  }
  BOOST_TEST(failpoint::was_passed());
}

BOOST_AUTO_TEST_CASE(an_armed_failpoint_that_is_not_passed_is_reported) {
  std::string problem;
  BOOST_TEST(failpoint::arm("stopping:kill:1000000", problem));
  BOOST_TEST(not failpoint::was_passed());
  failpoint::pass("epoch_sealed");
  BOOST_TEST(not failpoint::was_passed());
  failpoint::pass("stopping");
  BOOST_TEST(failpoint::was_passed());
}

} // namespace fairuse
