// SPDX-License-Identifier: Apache-2.0

#include "api/gate/lease_table.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

namespace fairuse {

namespace {

constexpr std::int64_t minute = 60'000;
constexpr lease_rules rules;

/// A budget of half an hour, of an owner of long standing.
budget_facts budget_with(std::int64_t used_ms, std::int64_t owned_for_ms = 10 * minute) {
  return {.limit_ms = 30 * minute, .used_ms = used_ms, .owned_for_ms = owned_for_ms};
}

lease_request stream(std::string_view session, std::int64_t planned_ms) {
  return {.uid = "u", .session = session, .planned_ms = planned_ms};
}

lease_request upload(std::string_view session, std::int64_t planned_ms) {
  return {.uid = "u", .session = session, .planned_ms = planned_ms, .is_whole = true};
}

std::int64_t granted(const lease_answer& answer) { return answer.granted ? answer.granted->granted_ms : -1; }

} // namespace

BOOST_AUTO_TEST_SUITE(lease_table_test)

BOOST_AUTO_TEST_CASE(sessions_side_by_side_get_what_is_left_and_no_more) {
  lease_table table;
  BOOST_TEST(granted(table.reserve(stream("a", 20 * minute), budget_with(0), 0)) == 20 * minute);
  BOOST_TEST(granted(table.reserve(stream("b", 20 * minute), budget_with(0), 0)) == 10 * minute);
  const auto third = table.reserve(stream("c", minute), budget_with(0), 1'000);
  BOOST_TEST(granted(third) == -1);
  BOOST_TEST(third.is_reserved);
  BOOST_TEST(third.retry_after_ms == minute - 1'000);
  // What is of somebody else is not taken off.
  auto other = stream("c", minute);
  other.uid = "v";
  BOOST_TEST(granted(table.reserve(other, budget_with(0), 1'000)) == minute);
}

BOOST_AUTO_TEST_CASE(an_upload_is_refused_where_its_session_holds_less_than_it_plans) {
  lease_table table;
  table.reserve(stream("a", 5'000), budget_with(0), 0);
  const auto larger = table.reserve(upload("a", minute), budget_with(0), 0);
  BOOST_TEST(granted(larger) == -1);
  BOOST_TEST(larger.is_reserved);
  const auto largest = table.reserve(upload("a", 31 * minute), budget_with(0), 0);
  BOOST_TEST(granted(largest) == -1);
  BOOST_TEST(not largest.is_reserved);
  BOOST_TEST(granted(table.reserve(upload("a", 5'000), budget_with(0), 0)) == 5'000);
}

BOOST_AUTO_TEST_CASE(a_session_that_asks_again_keeps_its_lease_and_gets_no_second_one) {
  lease_table table;
  const auto first = table.reserve(stream("a", 20 * minute), budget_with(0), 0);
  const auto again = table.reserve(stream("a", 25 * minute), budget_with(0), 59'000);
  BOOST_TEST(again.granted->id == first.granted->id);
  BOOST_TEST(granted(again) == 20 * minute);
  BOOST_TEST(granted(table.reserve(stream("b", 20 * minute), budget_with(0), minute + 1)) == 10 * minute);
  const auto counts = table.counts();
  BOOST_TEST((counts.granted == 2 and counts.renewed == 1 and counts.open == 2));
}

BOOST_AUTO_TEST_CASE(what_is_used_ends_its_lease_and_stands_in_the_budget) {
  lease_table table;
  const auto first = table.reserve(stream("a", 20 * minute), budget_with(0), 0);
  table.end("u", "another");
  table.end("v", first.granted->id);
  BOOST_TEST(table.counts().ended == 0);
  table.end("u", first.granted->id);
  const auto next = table.reserve(stream("a", 20 * minute), budget_with(18 * minute), 0);
  BOOST_TEST(granted(next) == 12 * minute);
  BOOST_TEST(next.granted->id != first.granted->id);
}

BOOST_AUTO_TEST_CASE(what_nobody_keeps_lapses_after_a_minute) {
  lease_table table;
  const auto first = table.reserve(stream("a", 30 * minute), budget_with(0), 0);
  BOOST_TEST(first.granted->valid_for_ms < minute);
  BOOST_TEST(granted(table.reserve(stream("b", minute), budget_with(0), minute - 1)) == -1);
  BOOST_TEST(granted(table.reserve(stream("b", minute), budget_with(0), minute + 1'000)) == minute);
  BOOST_TEST(table.counts().lapsed == 1);
}

BOOST_AUTO_TEST_CASE(an_upload_gets_all_that_it_needs_or_nothing) {
  lease_table table;
  BOOST_TEST(granted(table.reserve(stream("a", 20 * minute), budget_with(0), 0)) == 20 * minute);
  const auto large = table.reserve(upload("b", 11 * minute), budget_with(0), 0);
  BOOST_TEST((granted(large) == -1 and large.is_reserved));
  const auto too_large = table.reserve(upload("b", 31 * minute), budget_with(0), 0);
  BOOST_TEST((granted(too_large) == -1 and not too_large.is_reserved));
  BOOST_TEST(granted(table.reserve(upload("b", 10 * minute), budget_with(0), 0)) == 10 * minute);
}

BOOST_AUTO_TEST_CASE(nothing_is_reserved_of_a_budget_that_is_used_up) {
  lease_table table;
  const auto refused = table.reserve(stream("a", minute), budget_with(30 * minute), 0);
  BOOST_TEST((granted(refused) == -1 and not refused.is_reserved));
  BOOST_TEST(granted(table.reserve(stream("a", minute), budget_with(31 * minute), 0)) == -1);
}

BOOST_AUTO_TEST_CASE(a_new_owner_gives_short_leases_until_those_of_the_last_one_have_lapsed) {
  lease_table table;
  const auto early = table.reserve(stream("a", 20 * minute), budget_with(0, minute - 1), 0);
  BOOST_TEST(granted(early) == rules.short_ms);
  BOOST_TEST(early.granted->valid_for_ms == rules.short_ms);
  BOOST_TEST(granted(table.reserve(upload("b", 10 * minute), budget_with(0, 0), 0)) == 10 * minute);
  BOOST_TEST(granted(table.reserve(stream("c", 20 * minute), budget_with(0, minute), 0)) > rules.short_ms);
}

BOOST_AUTO_TEST_CASE(a_lease_across_midnight_is_taken_off_the_new_day_too) {
  lease_table table;
  BOOST_TEST(granted(table.reserve(stream("a", 20 * minute), budget_with(5 * minute), 0)) == 20 * minute);
  // The new day's budget is unused.
  BOOST_TEST(granted(table.reserve(stream("b", 30 * minute), budget_with(0), 30'000)) == 10 * minute);
}

BOOST_AUTO_TEST_CASE(one_user_has_no_more_sessions_than_the_bound) {
  lease_table table({.sessions_max = 2});
  BOOST_TEST(granted(table.reserve(stream("a", 1), budget_with(0), 0)) == 1);
  BOOST_TEST(granted(table.reserve(stream("b", 1), budget_with(0), 0)) == 1);
  BOOST_TEST(granted(table.reserve(stream("c", 1), budget_with(0), 0)) == -1);
  BOOST_TEST(granted(table.reserve(stream("a", 1), budget_with(0), 0)) == 1);
}

// Sessions use what they were granted and no more, at once or later; what they used is committed while their lease is
// held, or (a fault) the lease lapses first and the session stops.
RC_BOOST_PROP(whatever_sessions_do_the_budget_is_not_overspent, ()) {
  struct session {
    std::string lease;
    std::int64_t left_ms = 0;
    std::int64_t valid_until = 0;
    /// Used and not committed yet.
    std::int64_t pending_ms = 0;
  };
  constexpr std::int64_t limit = 10'000;
  lease_table table;
  std::map<int, session> sessions;
  std::int64_t now = 0;
  std::int64_t used = 0;
  const auto steps = *rc::gen::container<std::vector<std::tuple<int, int, int>>>(
      rc::gen::tuple(rc::gen::inRange(0, 5), rc::gen::inRange(0, 4), rc::gen::inRange(1, 4'000)));
  const auto commit = [&](session& of) {
    used += std::exchange(of.pending_ms, 0);
    table.end("u", of.lease);
    of = {};
  };
  for (const auto& [who, what, amount] : steps) {
    auto& one = sessions[who];
    if (what == 0) {
      const auto asked = "s" + std::to_string(who);
      const auto answer = table.reserve({.uid = "u", .session = asked, .planned_ms = amount},
                                        {.limit_ms = limit, .used_ms = used, .owned_for_ms = 10 * minute}, now);
      if (answer.granted and answer.granted->id != one.lease) one = {answer.granted->id, answer.granted->granted_ms};
      if (answer.granted) one.valid_until = now + answer.granted->valid_for_ms;
    } else if (what == 1 and now < one.valid_until) {
      const auto part = std::min<std::int64_t>(one.left_ms, amount);
      one.left_ms -= part;
      one.pending_ms += part;
    } else if (what == 2) {
      commit(one);
    } else {
      now += amount * 4;
      for (auto& [number, each] : sessions)
        if (now >= each.valid_until) commit(each);
    }
    RC_ASSERT(used <= limit);
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse
