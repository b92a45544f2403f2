// SPDX-License-Identifier: Apache-2.0
//
// Which policy is live on every partition when the configuration changes between two runs of a process.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "events/wire.hpp"
#include "tests/protocol/committed_log.hpp"
#include "tests/protocol/scenario.hpp"

using namespace fairuse;
using namespace fairuse::protocol;

namespace {

const std::string process = "fairuse.m0.0";

run_settings on_two_partitions() {
  auto settings = quiet_settings(1);
  settings.partitions = 2;
  // The independent model knows no promotion.
  settings.promotes = true;
  return settings;
}

/// Policies of the scenario have names; their digests are `<name>-digest`.
policy named(policy rules, const std::string& name) {
  rules.name = name;
  rules.digest = name + "-digest";
  return rules;
}

struct policies_fixture {
  scenario on{on_two_partitions()};
  policy fair = named(on.in.live(), "fair");

  policies_fixture() {
    on.in.configure(fair, {named(fair, "fair-2")});
    run();
  }

  void run() {
    on.start(process);
    on.feed(5);
    on.until_caught_up();
  }
  void run_again(policy live, std::vector<policy> shadows) {
    on.kill(process);
    on.in.configure(std::move(live), std::move(shadows));
    run();
  }

  void promote(const std::string& name) {
    event_arena arena;
    event command{.instant = on.in.now(), .time = on.in.now(), .kind = event_kind::admin};
    command.text = arena.keep("test", "promote-" + name);
    command.key = event_key(command.text->source, command.text->id);
    command.detail = arena.keep(event_detail{
        admin_command{.verb = admin_verb::promote_policy, .actor = "ada", .reason = "tried", .policy = name}});
    std::string line;
    append_event(line, "*", command);
    for (std::int32_t p = 0; p < on.in.settings.partitions; ++p)
      on.in.log.log_of({on.in.input(0), p}).append_alone(on.in.log.now(), {"*", line, {}});
    on.until_caught_up();
  }

  /// What is in force, the same on all partitions.
  stored_controls in_force() {
    std::optional<stored_controls> found;
    for (std::int32_t p = 0; p < on.in.settings.partitions; ++p) {
      const auto here = read_committed_log(on.in, p).last.controls;
      BOOST_TEST((not found or (found->live == here.live and found->shadows == here.shadows)));
      found = here;
    }
    return *found;
  }
  /// Digests of policies that became live, by decisions on `*`, over all partitions.
  std::size_t promotions_of(const std::string& name) {
    std::size_t count = 0;
    for (std::int32_t p = 0; p < on.in.settings.partitions; ++p)
      for (const auto& each : on.in.log.records({on.in.topics.decisions, p}, kafka::isolation::committed))
        count += each.what.value->find(R"("decision":"policy_promoted")") != std::string::npos
                         and each.what.value->find('"' + name + "-digest\"") != std::string::npos
                     ? 1
                     : 0;
    return count;
  }
};

using digests = std::vector<std::string>;

} // namespace

BOOST_FIXTURE_TEST_SUITE(policies, policies_fixture)

BOOST_AUTO_TEST_CASE(a_promoted_policy_stays_live_when_a_shadow_is_added) {
  promote("fair-2");
  run_again(fair, {named(fair, "fair-2"), named(fair, "other")});
  BOOST_TEST(in_force().live == "fair-2-digest");
  BOOST_TEST(in_force().shadows == digests{"other-digest"}, boost::test_tools::per_element());
  run_again(fair, {named(fair, "fair-2"), named(fair, "other")});
  BOOST_TEST(in_force().live == "fair-2-digest");
  BOOST_TEST(in_force().shadows == digests{"other-digest"}, boost::test_tools::per_element());
  run_again(named(fair, "fair-2"), {});
  BOOST_TEST(in_force().live == "fair-2-digest");
  BOOST_TEST(promotions_of("fair-2") == 2U);
  on.finish();
}

BOOST_AUTO_TEST_CASE(a_configuration_that_followed_a_promotion_is_remembered_without_traffic) {
  promote("fair-2");
  on.kill(process);
  on.in.configure(named(fair, "fair-2"), {});
  on.start(process);
  on.until_caught_up();
  // Half of the time after which a quiet partition commits an epoch anyhow.
  int rounds = 50;
  on.until("time passes", [&] { return --rounds == 0; });
  run_again(fair, {});
  BOOST_TEST(in_force().live == "fair-digest");
  BOOST_TEST(promotions_of("fair") == 2U);
  on.finish();
}

BOOST_AUTO_TEST_CASE(another_live_policy_is_promoted_by_a_command_of_the_engine) {
  run_again(named(fair, "next"), {fair});
  BOOST_TEST(in_force().live == "next-digest");
  BOOST_TEST(in_force().shadows == digests{"fair-digest"}, boost::test_tools::per_element());
  run_again(named(fair, "next"), {fair});
  BOOST_TEST(promotions_of("next") == 2U);
  on.finish();
}

BOOST_AUTO_TEST_CASE(a_process_that_dies_behind_that_command_has_promoted) {
  on.kill(process);
  on.in.configure(named(fair, "next"), {});
  const auto before = on.in.input_ends();
  on.start(process);
  on.until("the command is on one of the inputs", [&] {
    const auto now = on.in.input_ends();
    for (std::size_t i = 0; i < now.size(); ++i)
      if (now[i].offset > before[i].offset) return true;
    return false;
  });
  on.kill(process);
  BOOST_TEST(promotions_of("next") < 2U);
  run();
  BOOST_TEST(in_force().live == "next-digest");
  BOOST_TEST(in_force().shadows.empty());
  BOOST_TEST(promotions_of("next") == 2U);
  on.finish();
}

BOOST_AUTO_TEST_CASE(an_impossible_promotion_is_a_dead_letter_of_each_partition) {
  promote("unknown");
  for (std::int32_t p = 0; p < on.in.settings.partitions; ++p) {
    std::size_t count = 0;
    for (const auto& each : read_committed_log(on.in, p).epochs)
      for (const auto& refused : each.record.refused)
        count += refused.why == refusal::bad_value and refused.place == "data.policy" ? 1U : 0U;
    BOOST_TEST(count == 1U);
    const auto letters = on.in.log.records({on.in.topics.dead_letters, p}, kafka::isolation::committed);
    const auto explains = [](const auto& letter) {
      const auto& all = letter.what.headers;
      return std::any_of(all.begin(), all.end(), [](const auto& header) {
        return header.second and header.second->ends_with(" No shadow is called 'unknown'; loaded are fair-2.");
      });
    };
    BOOST_TEST(std::count_if(letters.begin(), letters.end(), explains) == 1);
  }
  std::set<std::int32_t> told;
  for (const auto& [topic, partition, what] : on.in.dead_letters)
    if (topic == on.in.input(0) and what.place == "data.policy") told.insert(partition);
  BOOST_TEST(told.size() == 2U);
  on.until("they are counted by reason", [&] {
    const auto counted = on.at(process).status().totals.dead_letters;
    return counted[static_cast<std::size_t>(refusal::bad_value)] == 2U and sum_of(counted) == on.in.dead_letters.size();
  });
  BOOST_TEST(in_force().live == "fair-digest");
  on.finish();
}

BOOST_AUTO_TEST_CASE(another_metering_of_the_live_policy_refuses_the_partitions) {
  auto finer = named(fair, "finer");
  finer.metering.bucket_s = fair.metering.bucket_s == 30 ? 60 : 30;
  on.feed(20);
  on.until_caught_up();
  on.kill(process);
  on.in.configure(finer, {});
  on.in.expected_error = "policies.shadow";
  on.start(process);
  const auto refused = [&] {
    std::size_t count = 0;
    for (const auto& each : on.at(process).status().partitions)
      count += each.reason.find("policies.shadow") != std::string::npos ? 1U : 0U;
    return count;
  };
  on.until("both partitions are refused", [&] { return refused() == 2; });
  BOOST_TEST(on.at(process).failure().empty());
  run_again(fair, {finer});
  BOOST_TEST(in_force().live == "fair-digest");
  BOOST_TEST(in_force().shadows == digests{"finer-digest"}, boost::test_tools::per_element());
  BOOST_TEST(promotions_of("finer") == 0U);
  on.finish();
}

BOOST_AUTO_TEST_SUITE_END()
