// SPDX-License-Identifier: Apache-2.0
//
// What a process says once, whatever its partitions are.
#include <algorithm>
#include <cstddef>
#include <string>

#include <boost/test/unit_test.hpp>

#include "events/wire.hpp"
#include "tests/protocol/scenario.hpp"

using namespace fairuse;
using namespace fairuse::protocol;

namespace {

const std::string process = "fairuse.m0.0";

run_settings on_two_partitions() {
  auto settings = quiet_settings(1);
  settings.partitions = 2;
  return settings;
}

struct notices_fixture {
  scenario on{on_two_partitions()};

  notices_fixture() { run(); }

  void run() {
    on.start(process);
    on.feed(5);
    on.until_caught_up();
  }
  std::ptrdiff_t told(const std::string& what) const {
    return std::count_if(on.in.warnings.begin(), on.in.warnings.end(),
                         [&](const std::string& each) { return each.find(what) != std::string::npos; });
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(input_notices, notices_fixture)

BOOST_AUTO_TEST_CASE(a_changed_case_key_is_told_once) {
  on.kill(process);
  run();
  BOOST_TEST(told("case key") == 0);
  on.kill(process);
  on.in.case_key = "another key";
  run();
  BOOST_TEST(told("the case key is another one than last time") == 1);
  on.kill(process);
  run();
  BOOST_TEST(told("case key") == 1);
}

BOOST_AUTO_TEST_CASE(a_plan_that_differs_by_case_is_told_once) {
  auto rules = on.in.live();
  rules.free_plans = {"basic"};
  rules.digest = "with-plans";
  on.kill(process);
  on.in.configure(rules, {});
  run();
  for (int i = 0; i < 4; ++i) {
    event_arena arena;
    event what{.instant = on.in.now(), .time = on.in.now(), .kind = event_kind::account};
    what.text = arena.keep("accounts", "plan-" + std::to_string(i));
    what.key = event_key(what.text->source, what.text->id);
    what.detail = arena.keep(event_detail{account_fact{.plan = "Basic", .credits_exhausted = {}, .time_zone = {}}});
    const auto user = "u" + std::to_string(i);
    std::string line;
    append_event(line, user, what);
    const auto partition = on.in.rules_for(process, {}, 0).partition_of(user, on.in.settings.partitions);
    on.in.log.log_of({on.in.input(0), partition}).append_alone(on.in.log.now(), {user, line, {}});
  }
  on.until_caught_up();
  BOOST_TEST(told(R"(the plan "Basic"; the policies name `basic`)") == 1);
}

BOOST_AUTO_TEST_SUITE_END()
