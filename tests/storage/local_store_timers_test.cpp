// SPDX-License-Identifier: Apache-2.0
//
// The index of users with a timer, and timers that fire after a restart.
#include "tests/storage/local_store_fixture.hpp"

using namespace fairuse;
using namespace fairuse::local_store_tests;

BOOST_FIXTURE_TEST_SUITE(timers_of_a_local_store, fixture)

BOOST_AUTO_TEST_CASE(lists_users_with_a_timer) {
  auto loaded = load(uid, start);
  loaded->standings.resize(policies->slots().size());
  loaded->standings[0] = std::make_unique<standing>();
  loaded->standings[0]->at = stage::warning;
  loaded->standings[0]->until = start + day_ms;
  loaded->next_due = start + day_ms + 1;
  loaded->changed.standings = 1;
  store->add_user(uid, *loaded);
  epoch(start);
  commit();

  open();
  const auto due = store->due_users();
  BOOST_REQUIRE(due.size() == 1U);
  BOOST_TEST(due[0].first == start + day_ms + 1);
  BOOST_TEST(due[0].second == uid);
  loaded = load(uid, start);
  BOOST_TEST(loaded->next_due == start + day_ms + 1);
  BOOST_TEST((query_standing(*loaded, in_force, 0, start).at == stage::warning));

  loaded->standings[0]->until = never;
  loaded->next_due = never;
  loaded->changed.standings = 1;
  store->add_user(uid, *loaded);
  epoch(start);
  commit();
  BOOST_TEST(store->due_users().empty());
}

BOOST_AUTO_TEST_CASE(lists_a_user_whose_only_timer_ends_an_exemption) {
  const auto exempt = [&](user& whom, time_ms now, time_ms until, const char* id) {
    const event_detail detail = admin_command{.verb = admin_verb::exempt, .actor = "ada", .on = true, .until = until};
    const event_text text{"support", id};
    event given = speech(now, event_key(text.source, text.id));
    given.kind = event_kind::admin;
    given.detail = &detail;
    given.text = &text;
    BOOST_TEST((give(whom, now, given) == applied::accepted));
    store->add_user(uid, whom);
    whom.changed.clear();
    epoch(now);
    commit();
  };
  const auto due = [&] {
    open();
    const auto all = store->due_users();
    return all.empty() ? never : all.front().first;
  };
  auto loaded = load(uid, start);
  loaded->changed.track = true;
  exempt(*loaded, start, start + day_ms, "x1");
  BOOST_TEST(due() == start + day_ms + 1);
  exempt(*loaded, start + 1, never, "x2");
  BOOST_TEST(due() == never);
  exempt(*loaded, start + 2, start + hour_ms, "x3");
  BOOST_TEST(due() == start + hour_ms + 1);
  // Its end is over when it has fired.
  loaded = load(uid, start + day_ms);
  step_output out;
  advance(*loaded, in_force, start + day_ms, out);
  BOOST_REQUIRE(out.decisions.size() == 1U);
  BOOST_TEST((out.decisions.front().kind == decision_kind::exemption_ended));
  store->add_user(uid, *loaded);
  epoch(start + day_ms);
  commit();
  BOOST_TEST(due() == never);
  // A user who comes back after an erasure in the same commit.
  loaded = load(uid, start + 2 * day_ms);
  erase(*loaded, start + 2 * day_ms);
  exempt(*loaded, start + 2 * day_ms + 1, start + 3 * day_ms, "x4");
  BOOST_TEST(due() == start + 3 * day_ms + 1);
}

BOOST_AUTO_TEST_CASE(a_timer_of_the_past_fires_with_the_sums_of_its_instant) {
  auto loaded = load(uid, start);
  give(*loaded, start, speech(start, 1));
  loaded->standings.resize(policies->slots().size());
  loaded->standings[0] = std::make_unique<standing>();
  loaded->standings[0]->at = stage::warning;
  loaded->standings[0]->until = start + hour_ms;
  loaded->changed.standings = 1;
  loaded->next_due = start + hour_ms + 1;
  store->add_user(uid, *loaded);
  epoch(start);
  commit();

  for (const auto idle : {10 * hour_ms, 9 * day_ms, 30 * day_ms}) {
    step_output out;
    loaded = load(uid, start + idle);
    advance(*loaded, in_force, start + idle, out);
    BOOST_REQUIRE(not out.decisions.empty());
    BOOST_TEST((out.decisions[0].kind == decision_kind::stage_changed));
    BOOST_TEST(out.decisions[0].sums[1] == 30'000);
  }
}

BOOST_AUTO_TEST_SUITE_END()
