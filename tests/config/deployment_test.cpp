// SPDX-License-Identifier: Apache-2.0

#include "config/deployment.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/config/policy_samples.hpp"
#include "tests/test_folder.hpp"

using namespace fairuse;
using samples::holds;
using samples::least;

namespace {

struct deployment_fixture {
  deployment_fixture() {
    folder.write("live.yaml", least + "plans: {}\n");
    folder.write("shadow.yaml", "name: y\nwindows: {daily: {span: 24h, cap: 3h}}\nplans: {}\n");
  }

  loaded_deployment accepted(const std::string& text) {
    yaml::diagnostics problems{"d"};
    auto all = load_deployment(folder.write("d.yaml", text), {}, problems);
    BOOST_REQUIRE_MESSAGE(all, problems.text());
    return *all;
  }

  std::string refused(const std::string& text) {
    yaml::diagnostics problems{"d"};
    BOOST_TEST(not load_deployment(folder.write("d.yaml", text), {}, problems).has_value());
    return problems.text();
  }

  test_folder folder;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(deployment_files, deployment_fixture)

BOOST_AUTO_TEST_CASE(the_shipped_deployment_loads_with_its_policies) {
  yaml::diagnostics problems{"local.yaml"};
  const auto all = load_deployment(samples::source_folder() / "config/local.yaml", {}, problems);
  BOOST_REQUIRE_MESSAGE(all, problems.text());
  BOOST_TEST(all->settings.enabled);
  BOOST_TEST(all->live.name == "fair");
  BOOST_REQUIRE(all->shadows.size() == 1U);
  BOOST_TEST(all->shadows[0].name == "omi-newest");
  BOOST_TEST(all->live.digest.size() == 64U);
}

BOOST_AUTO_TEST_CASE(a_deployment_is_off_unless_it_says_otherwise) {
  const auto all = accepted("policies: {live: live.yaml}\n");
  BOOST_TEST(not all.settings.enabled);
  BOOST_TEST(not all.settings.kill_switch);
  BOOST_TEST(all.settings.retention.usage_ms == 8 * day_ms);
  BOOST_TEST(all.settings.retention.input_ms == 35 * day_ms);
  BOOST_TEST(all.settings.retention.decisions_ms == 400 * day_ms);
  BOOST_TEST(all.settings.max_gap_ms == 40 * day_ms);
  BOOST_TEST(all.settings.source == "fairuse");
  BOOST_TEST(all.settings.reviewer.model == "gpt-5.1");
}

BOOST_AUTO_TEST_CASE(every_key_is_read) {
  folder.write("case.key", "secret");
  const auto all = accepted(
      "enabled: true\nkill_switch: true\nexempt: [b, a]\nsource: fairuse/eu\nstreams: {kind: local}\n"
      "policies: {live: live.yaml, shadow: [shadow.yaml]}\ncase_key: {file: case.key}\n"
      "retention: {usage: 9d, input: 10d, decisions: 11d}\nlog: {level: debug, format: json}\n"
      "reviewer: {model: m, endpoint: 'https://example.org/v1', key_file: case.key}\nactive_users_max: 5000\nmax_gap: "
      "3d\n");
  const auto& settings = all.settings;
  BOOST_TEST((settings.enabled and settings.kill_switch));
  BOOST_TEST((settings.exempt == std::vector<std::string>{"a", "b"}));
  BOOST_TEST(settings.source == "fairuse/eu");
  BOOST_TEST(settings.case_key_file == folder.path() / "case.key");
  BOOST_TEST(settings.live_policy == folder.path() / "live.yaml");
  BOOST_TEST((settings.log.level == log_level::debug and settings.log.format == log_format::json));
  BOOST_TEST(settings.reviewer.endpoint == "https://example.org/v1");
  BOOST_TEST((settings.active_users_max == 5'000U and settings.max_gap_ms == 3 * day_ms));
  BOOST_TEST((settings.retention.usage_ms == 9 * day_ms and settings.retention.decisions_ms == 11 * day_ms));
}

BOOST_AUTO_TEST_CASE(what_policies_and_deployment_may_not_be_together_is_refused) {
  folder.write("long.yaml", "name: long\nwindows: {month: {span: 30d, cap: 3h}}\nplans: {}\n");
  folder.write("slot.yaml", "name: \"off\"\nwindows: {daily: {span: 24h, cap: 3h}}\n");
  BOOST_TEST(
      refused("policies: {live: long.yaml}\n")
      == "d:1:18: error: policies.live: window 'month' of policy 'long' sums 30d, longer than retention.usage (8d)\n");
  BOOST_TEST(accepted("policies: {live: long.yaml}\nretention: {usage: 31d}\n").live.name == "long");
  BOOST_TEST(holds(refused("policies: {live: live.yaml, shadow: [slot.yaml]}\n"), "cannot be called 'off'"));
  BOOST_TEST(holds(refused("policies:\n  live: live.yaml\n  shadow: [shadow.yaml, live.yaml]\n"),
                   "d:3:25: error: policies.shadow[1]: there is already a policy called 'x'"));
}

BOOST_AUTO_TEST_CASE(more_shadows_than_there_are_slots_are_refused) {
  std::string files;
  for (int i = 0; i < 64; ++i) {
    const auto name = "s" + std::to_string(i);
    folder.write(name + ".yaml", "name: " + name + "\nwindows: {daily: {span: 24h, cap: 3h}}\n");
    files += (i == 0 ? "" : ", ") + name + ".yaml";
  }
  const auto said = refused("policies: {live: live.yaml, shadow: [" + files + "]}\n");
  BOOST_TEST(holds(said, "error: policies.shadow: the policies need 66 slots together, and 64 are the most"), said);
}

BOOST_AUTO_TEST_CASE(faults_of_all_files_are_reported_at_once) {
  folder.write("bad.yaml", "name: z\nwindow: {}\n");
  const auto said =
      refused("enabld: true\npolicies: {live: bad.yaml, shadow: [nowhere.yaml]}\nretention: {usage: 8}\n");
  BOOST_TEST(holds(said, "d:1:1: error: unknown key 'enabld'; did you mean 'enabled'?"));
  BOOST_TEST(holds(said, "d:2:37: error: policies.shadow[0]: no such file: "));
  BOOST_TEST(holds(said, "d:3:20: error: retention.usage: '8' needs a unit"));
  BOOST_TEST(holds(said, "bad.yaml:2:1: error: unknown key 'window'; did you mean 'windows'?"));
  BOOST_TEST(holds(said, "bad.yaml:1:1: error: missing key 'windows'"));
}

BOOST_AUTO_TEST_CASE(a_kind_of_streams_that_there_is_not_is_refused) {
  BOOST_TEST(refused("policies: {live: live.yaml}\nstreams: {kind: kafkaa}\n")
             == "d:2:17: error: streams.kind: expected local or kafka, not 'kafkaa'; did you mean 'kafka'?\n");
}

BOOST_AUTO_TEST_CASE(settings_that_cannot_be_meant_are_refused) {
  const std::string live = "policies: {live: live.yaml}\n";
  BOOST_TEST(holds(refused(live + "exempt: ['*']\n"), "kill_switch"));
  BOOST_TEST(holds(refused(live + "exempt: ['']\n"), "cannot be empty"));
  BOOST_TEST(holds(refused(live + "source: ''\n"), "CloudEvents source"));
  BOOST_TEST(holds(refused(live + "case_key: {file: nothing.key}\n"), "no such file"));
  BOOST_TEST(holds(refused(live + "reviewer: {endpoint: example.org}\n"), "expected a base URL"));
  BOOST_TEST(holds(refused(live + "active_users_max: 10\n"), "the least is 1000"));
  BOOST_TEST(holds(refused("enabled: true\n"), "missing key 'policies'"));
  BOOST_TEST(holds(refused("policies: {shadow: []}\n"), "missing key 'live' in policies"));
}

BOOST_AUTO_TEST_SUITE_END()
