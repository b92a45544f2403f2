// SPDX-License-Identifier: Apache-2.0
//
// The worker with its shard and user actors, from epoch to notebook.
#include "actors/worker.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/actors/doors.hpp"
#include "tests/core/world.hpp"

using namespace fairuse;
using test::lines;
using test::monday;
using test::staged_epoch;
using test::workshop;

namespace {

policy shadow(const std::string& name) {
  auto p = test::plain();
  p.name = p.digest = name;
  return p;
}

/// A workshop, and a pen for its events.
struct shop_floor : workshop {
  using workshop::workshop;
  event_arena arena;
  int serial = 0;

  event fact(time_ms at, event_kind kind = event_kind::speech, event_detail detail = {}) {
    event e;
    e.kind = kind;
    e.time = e.instant = at;
    e.text = arena.keep("app", "e" + std::to_string(++serial));
    e.key = event_key(e.text->source, e.text->id);
    if (not std::holds_alternative<std::monostate>(detail)) e.detail = arena.keep(std::move(detail));
    return e;
  }
  addressed_event speech(std::string_view uid, time_ms at, std::int64_t ms) {
    auto e = fact(at);
    e.ms = static_cast<std::int32_t>(ms);
    return {uid, e};
  }
  addressed_event set_stage(std::string_view uid, time_ms at, stage to) {
    admin_command what;
    what.verb = admin_verb::set_stage;
    what.to = to;
    return {uid, fact(at, event_kind::admin, what)};
  }
  event command(time_ms at, admin_verb verb, bool on, const std::string& policy = {}) {
    admin_command what;
    what.verb = verb;
    what.on = on;
    what.policy = policy;
    what.actor = "ada";
    return fact(at, event_kind::admin, what);
  }
  /// What the last epoch decided.
  lines told() const {
    lines all;
    for (const auto& d : notes.decisions)
      all.push_back(test::brief(d, monday));
    return all;
  }
};

std::shared_ptr<const policy_set> one_policy() { return policy_set::make(test::plain(), {}); }

} // namespace

BOOST_AUTO_TEST_SUITE(workers)

BOOST_AUTO_TEST_CASE(outcomes_come_in_uid_order_and_only_of_users_with_something_to_do) {
  shop_floor shop(one_policy());
  shop.run({monday, {shop.speech("m", monday, 1), shop.speech("a", monday, 1), shop.speech("z", monday, 1)}, {}, {}});
  BOOST_TEST(shop.notes.order == (lines{"a", "m", "z"}), boost::test_tools::per_element());
  shop.run({monday + 1, {shop.speech("m", monday + 1, 1)}, {}, {}});
  BOOST_TEST(shop.notes.order == lines{"m"});
  shop.run({monday + 2, {}, {}, {}});
  BOOST_TEST(shop.notes.order.empty());
  BOOST_TEST(shop.engine().active_users() == 3U);
  BOOST_TEST(shop.engine().find("m")->ids.keys(hour_of(monday)).size() == 2U);
  BOOST_TEST(shop.engine().find("nobody") == nullptr);
  BOOST_TEST(not shop.engine().run_epoch());
}

BOOST_AUTO_TEST_CASE(timers_of_idle_and_sleeping_users_fire) {
  shard_options options;
  options.max_active_users = 0;
  shop_floor shop(one_policy(), options);
  shop.run({monday, {shop.speech("a", monday, 3 * hour_ms), shop.set_stage("b", monday, stage::throttle)}, {}, {}});
  shop.engine().passivate();
  BOOST_TEST(shop.engine().active_users() == 0U);
  BOOST_TEST(shop.engine().next_due() == monday + 30 * minute_ms + 1);
  shop.run({monday + 30 * minute_ms, {}, {}, {}});
  BOOST_TEST(shop.notes.order.empty());
  shop.run({monday + hour_ms, {}, {}, {}});
  BOOST_TEST(shop.told() == lines{"review_timed_out 1 @1800001"});
  shop.run({monday + 8 * day_ms, {shop.speech("c", monday + 8 * day_ms, 1)}, {}, {}});
  BOOST_TEST(shop.told() == lines{"stage_changed throttle>warning stage_ended +2592000000 @604800001"});
  BOOST_TEST(shop.notes.order == (lines{"b", "c"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(only_written_users_are_let_go_the_least_recent_first) {
  shard_options options;
  options.max_active_users = 1;
  shop_floor shop(one_policy(), options);
  shop.notes.commits_every_epoch = false;
  shop.run({monday, {shop.speech("a", monday, 1), shop.speech("b", monday, 1)}, {}, {}});
  shop.run({monday + 1, {shop.speech("a", monday + 1, 1)}, {}, {}});
  shop.engine().passivate();
  BOOST_TEST(shop.engine().active_users() == 2U);
  shop.notes.commit();
  shop.engine().passivate();
  BOOST_TEST(shop.engine().active_users() == 1U);
  BOOST_TEST(shop.engine().find("a") != nullptr);
  BOOST_TEST(shop.engine().find("b") == nullptr);
}

BOOST_AUTO_TEST_CASE(everybody_absent_is_loaded_at_once_and_found_as_left) {
  shard_options options;
  options.max_active_users = 0;
  shop_floor shop(one_policy(), options);
  shop.run({monday, {shop.speech("a", monday, 2 * hour_ms), shop.speech("b", monday, 1)}, {}, {}});
  shop.engine().passivate();
  shop.run({monday + 1, {shop.speech("b", monday + 1, 1), shop.speech("a", monday + 1, 1)}, {}, {}});
  BOOST_TEST(shop.at_rest.loads == 4U);
  BOOST_TEST(shop.told() == (lines{"cap_crossed daily 7200001/7200000", "review_requested 1 daily"}));
}

BOOST_AUTO_TEST_CASE(a_duplicate_of_days_ago_is_known_to_be_one) {
  for (const bool sleeps : {true, false}) {
    shard_options options;
    options.max_active_users = sleeps ? 0 : 10;
    shop_floor shop(one_policy(), options);
    const auto e = shop.speech("a", monday, 1000);
    shop.run({monday, {e}, {}, {}});
    shop.engine().passivate();
    // The first event of a new hour.
    shop.run({monday + 3 * day_ms, {e}, {}, {}});
    BOOST_TEST(shop.notes.counts.duplicates == 1U);
    shop.engine().passivate();
    // And the second duplicate finds the hour whole.
    shop.run({monday + 4 * day_ms, {e, shop.speech("a", monday, 5)}, {}, {}});
    shop.engine().passivate();
    shop.run({monday + 5 * day_ms, {e}, {}, {}});
    BOOST_TEST(shop.notes.counts.duplicates == 3U);
    BOOST_TEST(shop.notes.counts.accepted == 2U);
  }
}

BOOST_AUTO_TEST_CASE(refused_events_are_reported_with_their_reason) {
  shop_floor shop(one_policy());
  const auto now = monday + 30 * day_ms;
  shop.run({now,
            {shop.speech("a", monday, 1),
             shop.speech("a", now + hour_ms, 1),
             {"a", shop.fact(now - 1, event_kind::erasure, erasure_request{})},
             shop.speech("a", now - 2, 1),
             shop.speech("a", now, 1)},
            {},
            {}});
  const std::vector<std::pair<std::string, applied>> expected{
      {"e1", applied::too_old}, {"e5", applied::erased}, {"e2", applied::future}};
  BOOST_TEST((shop.notes.refused == expected));
}

BOOST_AUTO_TEST_CASE(a_command_to_everybody_takes_its_place_in_the_order) {
  shop_floor shop(one_policy());
  // In the input the command comes first; in the order it stands between the two.
  const auto now = monday + 10;
  const auto kill = shop.command(monday + 5, admin_verb::kill_switch, true);
  shop.run({now, {shop.speech("b", monday + 7, 3 * hour_ms), shop.speech("a", monday + 3, 3 * hour_ms)}, {kill}, {}});
  BOOST_TEST(shop.told() == (lines{"cap_crossed daily 10800000/7200000", "review_requested 1 daily"}));
  BOOST_TEST(shop.engine().in_force().killed);
  shop.run({now + 1, {shop.speech("b", now, 0)}, {kill, shop.command(now, admin_verb::kill_switch, false)}, {}});
  BOOST_TEST(shop.told() == lines{}); // e1 < the command: still killed
  BOOST_TEST(shop.notes.duplicate_commands == 1U);
  BOOST_TEST(not shop.engine().in_force().killed);
  shop.run({now + 2, {shop.speech("b", now + 2, 0)}, {}, {}});
  BOOST_TEST(shop.told() == lines{"review_requested 1 daily"});
}

BOOST_AUTO_TEST_CASE(switching_off_and_on_in_one_epoch_holds_in_between) {
  shop_floor shop(one_policy());
  const auto off = shop.command(monday + 2, admin_verb::enable, false);
  const auto on = shop.command(monday + 4, admin_verb::enable, true);
  shop.run({monday + 9,
            {shop.speech("a", monday + 1, 1), shop.speech("a", monday + 3, 10), shop.speech("a", monday + 5, 100)},
            {on, off},
            {}});
  const auto v = look(*shop.engine().find("a"), shop.engine().in_force(), 0, monday + 9);
  BOOST_TEST(v.windows[0].sum_ms == 101); // `off: nothing`: what came in between does not count.
  BOOST_TEST(shop.engine().in_force().enabled);
  BOOST_TEST(shop.notes.command_ids.size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_promotion_in_the_middle_of_an_epoch_loses_nothing) {
  for (const bool sleeps : {true, false}) {
    auto coarse = shadow("coarse");
    coarse.metering.bucket_s = 300;
    shard_options options;
    options.max_active_users = sleeps ? 0 : 10;
    shop_floor shop(policy_set::make(test::plain(), {coarse, shadow("other")}), options);
    shop.run({monday, {shop.speech("a", monday, 2 * hour_ms), shop.speech("b", monday, 2 * hour_ms)}, {}, {}});
    shop.engine().passivate();
    // a speaks before the promotion, b behind it; both have 2 h under both rules.
    const auto now = monday + hour_ms;
    const auto promote = shop.command(now - 2, admin_verb::promote_policy, false, "coarse");
    shop.run({now, {shop.speech("a", now - 3, 1), shop.speech("b", now - 1, 1)}, {promote}, {}});
    BOOST_TEST(shop.told()
                   == (lines{"cap_crossed daily 7200001/7200000", "review_requested 1 daily",
                             "coarse: cap_crossed daily 7200001/7200000", "coarse: review_unanswered daily",
                             "other: cap_crossed daily 7200001/7200000", "other: review_unanswered daily",
                             "cap_crossed daily 7200001/7200000", "review_requested 1 daily",
                             "other: cap_crossed daily 7200001/7200000", "other: review_unanswered daily"}),
               boost::test_tools::per_element());
    BOOST_TEST_REQUIRE(shop.notes.broadcast.size() == 1U);
    BOOST_TEST(test::brief(shop.notes.broadcast[0], monday) == "policy_promoted ada");
    BOOST_TEST(shop.notes.broadcast[0].note == "coarse");
    shop.engine().passivate();
    shop.run({now + 1, {shop.speech("a", now + 1, 0), shop.speech("b", now + 1, 1)}, {}, {}});
    for (const auto* uid : {"a", "b"}) {
      const auto v = look(*shop.engine().find(uid), shop.engine().in_force(), 0, now + 1);
      BOOST_TEST(v.windows[0].sum_ms == 2 * hour_ms + (*uid == 'a' ? 1 : 2));
      BOOST_TEST(v.slot->label.policy == "coarse");
      BOOST_TEST(v.pending_request == 1U);
    }
    for (const auto& line : shop.told())
      BOOST_TEST(line.starts_with("other: "));
  }
}

BOOST_AUTO_TEST_CASE(a_promotion_reaches_idle_users_whom_the_new_rules_would_not_block) {
  for (const bool sleeps : {true, false}) {
    auto lax = shadow("lax");
    lax.windows[0].cap_ms = 10 * hour_ms;
    lax.plans.clear();
    shard_options options;
    options.max_active_users = sleeps ? 0 : 10;
    shop_floor shop(policy_set::make(test::plain(), {lax}), options);
    shop.run({monday, {shop.set_stage("a", monday, stage::restrict), shop.speech("a", monday, 3 * hour_ms)}, {}, {}});
    shop.engine().passivate();
    const auto now = monday + hour_ms;
    shop.run({now, {}, {shop.command(now, admin_verb::promote_policy, false, "lax")}, {}});
    BOOST_TEST(shop.told() == lines{"restriction_lifted hard drained @3600000"});
  }
}

BOOST_AUTO_TEST_CASE(a_promotion_that_cannot_be_is_reported_and_changes_nothing) {
  auto young = shadow("young");
  young.metering.bucket_s = 300;
  shop_floor shop(policy_set::make(test::plain(), {young, shadow("old")}, 8 * day_ms, review_mode::shared,
                                   {{young.metering, monday}}));
  const auto* before = shop.engine().in_force().policies;
  shop.run({monday, {}, {shop.command(monday, admin_verb::promote_policy, false, "nobody")}, {}});
  shop.run({monday, {}, {shop.command(monday, admin_verb::promote_policy, false, "young")}, {}});
  shop.run({monday, {}, {shop.command(monday, admin_verb::promote_policy, false, "live")}, {}});
  BOOST_TEST(shop.notes.impossible_commands == 3U);
  BOOST_TEST(shop.engine().in_force().policies == before);
  shop.run({monday, {}, {shop.command(monday, admin_verb::promote_policy, false, "old")}, {}});
  BOOST_TEST(shop.engine().in_force().policies->live().label.policy == "old");
}

BOOST_AUTO_TEST_CASE(timers_fire_under_what_held_at_their_due_instant) {
  auto other = shadow("other");
  for (auto& step : other.steps)
    step.falls_to = stage::none;
  for (const bool before : {true, false}) {
    shop_floor shop(policy_set::make(test::plain(), {other}));
    shop.run({monday, {shop.set_stage("a", monday, stage::throttle)}, {}, {}});
    const auto due = monday + 7 * day_ms + 1;
    const auto promoted_at = before ? due : due + 1;
    shop.run({due + hour_ms, {}, {shop.command(promoted_at, admin_verb::promote_policy, false, "other")}, {}});
    BOOST_TEST(
        shop.told().front().starts_with(before ? "stage_changed throttle>none" : "stage_changed throttle>warning"));
  }
}

BOOST_AUTO_TEST_CASE(a_restarted_worker_knows_commands_timers_and_the_last_now) {
  shop_floor shop(policy_set::make(test::plain(), {shadow("s")}));
  const auto promote = shop.command(monday, admin_verb::promote_policy, false, "s");
  const auto kill = shop.command(monday, admin_verb::kill_switch, true);
  shop.run({monday, {shop.set_stage("a", monday, stage::throttle)}, {promote, kill}, {}});
  shop.restart();
  BOOST_TEST(shop.engine().next_due() == monday + 7 * day_ms + 1);
  BOOST_TEST(shop.engine().in_force().killed);
  BOOST_TEST(shop.engine().in_force().policies->live().label.policy == "s");
  shop.run({monday + 1, {}, {promote, kill}, {}});
  BOOST_TEST(shop.notes.duplicate_commands == 2U);
  BOOST_TEST(shop.notes.impossible_commands == 0U);
}

BOOST_AUTO_TEST_CASE(an_overfull_set_of_timers_is_fired_in_pieces_by_uid) {
  shop_floor shop(one_policy());
  const auto due = monday + 7 * day_ms + 1;
  for (const auto* uid : {"c", "a", "b"})
    shop.run({monday, {shop.set_stage(uid, monday, stage::throttle)}, {}, {}});
  BOOST_TEST(shop.engine().due_users(due, 10) == 3U);
  BOOST_TEST(shop.engine().due_users(due, 2) == 2U);
  BOOST_TEST(shop.engine().due_users(due - 1, 10) == 0U);
  staged_epoch some{due, {}, {}, {}};
  some.timers_max = 2;
  shop.notes.looks_away = true;
  shop.run(some);
  shop.engine().roll_back();
  shop.notes.looks_away = false;
  BOOST_TEST(shop.engine().due_users(due, 10) == 3U);
  shop.run(some);
  BOOST_TEST(shop.notes.order == (lines{"a", "b"}), boost::test_tools::per_element());
  shop.run({due, {shop.speech("d", due, 1)}, {}, {}});
  BOOST_TEST(shop.notes.order == (lines{"c", "d"}), boost::test_tools::per_element());
  BOOST_TEST(shop.engine().due_users(due, 10) == 0U);
}

BOOST_AUTO_TEST_CASE(a_command_that_was_rolled_back_takes_effect_the_next_time) {
  shop_floor shop(policy_set::make(test::plain(), {shadow("s")}));
  const auto promote = shop.command(monday, admin_verb::promote_policy, false, "s");
  shop.notes.looks_away = true;
  shop.run({monday, {}, {promote, shop.command(monday, admin_verb::kill_switch, true)}, {}});
  shop.engine().roll_back();
  shop.notes.looks_away = false;
  BOOST_TEST(not shop.engine().in_force().killed);
  shop.run({monday, {}, {promote}, {}});
  BOOST_TEST(shop.notes.duplicate_commands == 0U);
  BOOST_TEST(shop.engine().in_force().policies->live().label.policy == "s");
}

BOOST_AUTO_TEST_CASE(a_user_stops_at_a_request_and_goes_on_with_what_is_left) {
  shop_floor shop(policy_set::make(test::plain(), {}, 8 * day_ms, review_mode::alone));
  const controls in_force{true, false, shop.options.policies.get()};
  std::vector<event> events;
  for (const auto at : {0, 1, 2})
    events.push_back(shop.speech("a", monday + at, 3 * hour_ms).what);
  const std::vector<step> steps{
      {monday, &in_force, 0, 1}, {monday + 1, &in_force, 1, 1}, {monday + day_ms, &in_force, 2, 1}};
  user who;
  outcome result;
  const slice given{"a", steps, events, {}};
  BOOST_TEST(remaining_steps(given, result).steps.size() == 3U);
  shop.run({monday + day_ms, {}, {}, {given}});
  BOOST_TEST(shop.told()
                 == (lines{"cap_crossed daily 10800000/7200000", "review_requested 1 daily",
                           "review_timed_out 1 @1800001", "review_requested 2 daily"}),
             boost::test_tools::per_element());
  BOOST_TEST(shop.engine().find("a")->sums.policies == in_force.policies);
}

BOOST_AUTO_TEST_SUITE_END()
