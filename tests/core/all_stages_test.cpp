// SPDX-License-Identifier: Apache-2.0
#include <boost/test/unit_test.hpp>

#include "tests/core/user_fixture.hpp"

using namespace fairuse;
using namespace fairuse::test;

namespace {

/// One more verdict as soon as the cooldown allows.
void next_verdict(user_fixture& user) {
  user.wait(12 * hour_ms + 1);
  user.speak(2 * hour_ms + 1);
  user.wait(minute_ms);
  user.answer("live-" + std::to_string(user.standing().pending_request), 0.9);
}

} // namespace

// A user with audiobooks day and night: warned, throttled, restricted in 36 hours, blocked until the speech has
// drained, out of budget until midnight, and back down step by step once it stops.
BOOST_AUTO_TEST_CASE(a_user_reaches_every_stage_and_falls_back) {
  user_fixture user(fair());
  user.speak(2 * hour_ms + 1);
  user.wait(minute_ms);
  user.answer("live-1", 0.9);
  next_verdict(user);
  BOOST_TEST(user.decided()
                 == (lines{
                     "cap_crossed daily 2h1ms/2h",
                     "review_requested 1 daily",
                     "strike_added 1 900 audiobook none>warning 0,0",
                     "stage_changed none>warning verdict +30d",
                     "notification warning misuse",
                     "review_requested 2 daily",
                     "strike_added 2 900 audiobook warning>warning 1,1",
                 }),
             boost::test_tools::per_element());
  next_verdict(user);
  next_verdict(user);
  BOOST_TEST(user.decided()
                 == (lines{
                     "review_requested 3 daily",
                     "strike_added 3 900 audiobook warning>throttle 2,2",
                     "stage_changed warning>throttle verdict +7d",
                     "notification throttle misuse",
                     "cap_crossed 3day 8h4ms/8h",
                     "review_requested 4 daily,3day",
                     "strike_added 4 900 audiobook throttle>restrict 3,3",
                     "stage_changed throttle>restrict verdict +30d",
                     "notification restrict misuse",
                     "restriction_engaged hard stage_reached 4h2ms/2h +1d11h56m997ms",
                 }),
             boost::test_tools::per_element());
  user.stt(20 * minute_ms);
  user.stt(20 * minute_ms);
  user.stt(20 * minute_ms);
  user.speak(0);
  user.wait(70 * day_ms);
  user.fire_timers();
  BOOST_TEST(user.decided()
                 == (lines{
                     "budget_exhausted 40m/30m",
                     "budget_reset 40m/30m @2d",
                     "restriction_lifted hard drained @3d1s",
                     "stage_changed restrict>throttle stage_ended +7d @31d12h4m4ms",
                     "stage_changed throttle>warning stage_ended +30d @38d12h4m5ms",
                     "stage_changed warning>none stage_ended @68d12h4m6ms",
                 }),
             boost::test_tools::per_element());
  BOOST_TEST(user.standing().strikes_7d == 0U);
  BOOST_TEST(user.out.tallies[0].stt_blocked_ms == 20 * minute_ms);
}
