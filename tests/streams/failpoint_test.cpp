// SPDX-License-Identifier: Apache-2.0

#include "streams/failpoint.hpp"

#include <string>

#include <boost/test/unit_test.hpp>

namespace fairuse {

BOOST_AUTO_TEST_CASE(a_failpoint_must_be_named_right) {
  for (const auto* bad : {"", "x", "epoch_sealed", "epoch_sealed:sleep", "epoch_sealed:kill:0", "epoch_sealed:kill:x",
                          "nowhere:kill", "epoch_sealed:kill:1:2"}) {
    const auto armed = failpoint::arm(bad);
    BOOST_REQUIRE(not armed.has_value());
    BOOST_TEST(armed.error().message.find("epoch_sealed") != std::string::npos);
  }
  BOOST_TEST(failpoint::was_passed());
}

BOOST_AUTO_TEST_CASE(an_armed_failpoint_that_is_not_passed_is_reported) {
  BOOST_TEST(failpoint::arm("stopping:kill:1000000").has_value());
  BOOST_TEST(not failpoint::was_passed());
  failpoint::pass("epoch_sealed");
  BOOST_TEST(not failpoint::was_passed());
  failpoint::pass("stopping");
  BOOST_TEST(failpoint::was_passed());
}

} // namespace fairuse
