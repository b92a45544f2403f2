// SPDX-License-Identifier: Apache-2.0
#include <boost/test/unit_test.hpp>

#include "tests/core/world.hpp"

using namespace fairuse;
using namespace fairuse::test;

namespace {

/// One more verdict as soon as the cooldown allows.
void next_verdict(world& w) {
  w.wait(12 * hour_ms + 1);
  w.speak(2 * hour_ms + 1);
  w.wait(minute_ms);
  w.answer("live-" + std::to_string(w.look().pending_request), 0.9);
}

} // namespace

// The whole way of somebody who plays audiobooks day and night: warned, throttled, restricted in 36 hours, blocked
// until the speech has drained, out of budget until midnight, and back down step by step once it stops.
BOOST_AUTO_TEST_CASE(the_way_up_and_back_down) {
  world w(fair());
  w.speak(2 * hour_ms + 1);
  w.wait(minute_ms);
  w.answer("live-1", 0.9);
  next_verdict(w);
  BOOST_TEST(w.told()
                 == (lines{
                     "cap_crossed daily 7200001/7200000",
                     "review_requested 1 daily",
                     "strike_added 1 900 audiobook none>warning 0,0",
                     "stage_changed none>warning verdict +2592000000",
                     "notification warning misuse",
                     "review_requested 2 daily",
                     "strike_added 2 900 audiobook warning>warning 1,1",
                 }),
             boost::test_tools::per_element());
  next_verdict(w);
  next_verdict(w);
  BOOST_TEST(w.told()
                 == (lines{
                     "review_requested 3 daily",
                     "strike_added 3 900 audiobook warning>throttle 2,2",
                     "stage_changed warning>throttle verdict +604800000",
                     "notification throttle misuse",
                     "cap_crossed 3day 28800004/28800000",
                     "review_requested 4 daily,3day",
                     "strike_added 4 900 audiobook throttle>restrict 3,3",
                     "stage_changed throttle>restrict verdict +2592000000",
                     "notification restrict misuse",
                     "restriction_engaged hard stage_reached 14400002/7200000 +129360997",
                 }),
             boost::test_tools::per_element());
  w.stt(20 * minute_ms);
  w.stt(20 * minute_ms);
  w.stt(20 * minute_ms);
  w.speak(0);
  w.wait(70 * day_ms);
  w.tick();
  BOOST_TEST(w.told()
                 == (lines{
                     "budget_exhausted 2400000/1800000",
                     "budget_reset 2400000/1800000 @172800000",
                     "restriction_lifted hard drained @259201000",
                     "stage_changed restrict>throttle stage_ended +604800000 @2721840004",
                     "stage_changed throttle>warning stage_ended +2592000000 @3326640005",
                     "stage_changed warning>none stage_ended @5918640006",
                 }),
             boost::test_tools::per_element());
  BOOST_TEST(w.look().strikes_7d == 0U);
  BOOST_TEST(w.out.tallies[0].stt_blocked_ms == 20 * minute_ms);
}
