// SPDX-License-Identifier: Apache-2.0
#include "streams/notices.hpp"

#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "base/system/time_zones.hpp"

using namespace fairuse;

namespace {

struct notices_fixture {
  std::vector<std::string> told;
  notices log{[this](const std::string& text) { told.push_back(text); }};
  std::shared_ptr<const policy_set> policies = loaded();
  event_arena arena;

  static std::shared_ptr<const policy_set> loaded() {
    policy rules;
    rules.name = "p";
    rules.windows = {{"day", day_ms, hour_ms}};
    rules.free_plans = {"basic"};
    rules.plans = {{"unlimited", {2 * hour_ms}}};
    return policy_set::make(rules, {});
  }

  void account(account_fact fact) {
    addressed_event each{.uid = "u-17", .what = {.kind = event_kind::account}};
    each.what.detail = arena.keep(event_detail{std::move(fact)});
    log.accounts({&each, 1}, *policies);
  }
  void plan(const std::string& name) { account({.plan = name, .credits_exhausted = {}, .time_zone = {}}); }
  void zone(const std::string& name) { account({.plan = {}, .credits_exhausted = {}, .time_zone = name}); }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(input_notices, notices_fixture)

BOOST_AUTO_TEST_CASE(a_plan_that_differs_by_case_is_told_once) {
  for (const auto* name : {"Basic", "Basic", "UNLIMITED", "basic", "unlimited", "team"})
    plan(name);
  BOOST_REQUIRE(told.size() == 2U);
  BOOST_TEST(told[0].find(R"(the plan "Basic"; the policies name `basic`)") != std::string::npos);
  BOOST_TEST(told[1].find(R"(the plan "UNLIMITED"; the policies name `unlimited`)") != std::string::npos);
  BOOST_TEST(told[0].find("u-17") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_time_zone_that_is_none_is_told_once) {
  for (const auto* name : {"Europe/Berlin", "UTC", "US/Eastern", "Europe/Berlln", "Europe/Berlln"})
    zone(name);
  const bool has_list = read_time_zone_names().has_value();
  BOOST_REQUIRE(told.size() == (has_list ? 1U : 0U));
  if (has_list) BOOST_TEST(told[0].find(R"(the time zone "Europe/Berlln", which is none)") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_sender_of_many_wrong_values_fills_no_log) {
  for (unsigned bits = 1; bits < 32; ++bits) {
    std::string name = "basic";
    for (std::size_t i = 0; i < name.size(); ++i)
      if (((bits >> i) & 1U) != 0) name[i] = static_cast<char>(name[i] - 'a' + 'A');
    plan(name);
  }
  BOOST_TEST(told.size() == 10U);
}

BOOST_AUTO_TEST_CASE(what_holds_for_a_whole_run_is_told_once) {
  log.reused_ids(0);
  BOOST_TEST(told.empty());
  for (int i = 0; i < 2; ++i) {
    log.reused_ids(1);
    log.case_key_changed();
  }
  BOOST_TEST(told.size() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
