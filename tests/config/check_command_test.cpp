// SPDX-License-Identifier: Apache-2.0

#include "cli/check_command.hpp"

#include <sstream>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "tests/config/policy_samples.hpp"
#include "tests/test_folder.hpp"

using namespace fairuse;
using samples::holds;
using samples::least;

namespace {

struct answer {
  int code;
  std::string text;
};

answer check(const std::vector<std::filesystem::path>& files, bool json = false) {
  std::vector<std::string> names;
  names.reserve(files.size());
  for (const auto& each : files)
    names.push_back(each.string());
  std::ostringstream out;
  const int code = cli::run_check(names, json, out);
  return {code, out.str()};
}

} // namespace

BOOST_AUTO_TEST_SUITE(check_command)

BOOST_AUTO_TEST_CASE(a_policy_with_warnings_is_accepted) {
  const auto said = check({samples::policies() / "fair.yaml"});
  BOOST_TEST(said.code == 0);
  BOOST_TEST(holds(said.text, "fair.yaml:11:29: warning: windows.3day.cap: "));
  BOOST_TEST(holds(said.text, "fair.yaml: ok: fair "));
  BOOST_TEST(holds(said.text, ", 2 warnings\n"));
}

BOOST_AUTO_TEST_CASE(one_refused_file_among_good_ones_is_exit_code_2) {
  const test_folder folder;
  const auto good = folder.write("good.yaml", least);
  const auto bad = folder.write("bad.yaml", least + "review: {cooldwon: 12h}\n");
  const auto said = check({good, bad, folder.path() / "nothing.yaml"});
  BOOST_TEST(said.code == 2);
  BOOST_TEST(holds(said.text, "good.yaml: ok: x "));
  BOOST_TEST(holds(said.text, "bad.yaml:3:10: error: unknown key 'cooldwon' in review; did you mean 'cooldown'?"));
  BOOST_TEST(holds(said.text, "bad.yaml: refused: 1 error\n"));
  BOOST_TEST(holds(said.text, "nothing.yaml: error: no such file"));
}

BOOST_AUTO_TEST_CASE(json_is_one_array_whatever_was_found) {
  const test_folder folder;
  const auto bad = folder.write("bad.yaml", "name: x\n");
  const auto said = check({bad}, true);
  BOOST_TEST(said.code == 2);
  const auto rows = nlohmann::json::parse(said.text);
  BOOST_REQUIRE(rows.size() == 1U);
  BOOST_TEST(rows[0]["line"] == 1);
  BOOST_TEST(rows[0]["level"] == "error");
  BOOST_TEST(rows[0]["message"] == "missing key 'windows'");
  BOOST_TEST(nlohmann::json::parse(check({folder.write("good.yaml", least + "plans: {}\n")}, true).text).empty());
}

BOOST_AUTO_TEST_CASE(a_deployment_is_checked_with_the_policies_it_names) {
  const auto said = check({samples::source_folder() / "config/local.yaml"});
  BOOST_TEST(said.code == 0);
  BOOST_TEST(holds(said.text, "ok: a deployment, live fair "));
}

BOOST_AUTO_TEST_CASE(a_deployment_has_the_warnings_of_its_live_policy_and_its_shadows_with_their_places) {
  const test_folder folder;
  folder.write("live.yaml", "name: mine\nwindows:\n  daily: {span: 24h, cap: 0}\n");
  folder.write("shadow.yaml",
               "name: next\nwindows:\n  daily: {span: 24h, cap: 2h}\nlanes: {realtime: meter, sync: meter}\n");
  const auto file = folder.write("local.yaml", "policies: {live: live.yaml, shadow: [shadow.yaml]}\n");
  const auto said = check({file});
  BOOST_TEST(said.code == 0);
  BOOST_TEST(holds(said.text, "live.yaml:3:27: warning: windows.daily.cap: 0 does not switch a window off"));
  BOOST_TEST(holds(said.text, "shadow.yaml:4:8: warning: lanes: no lane is enforced"));
  BOOST_TEST(holds(said.text, "live.yaml:3:3: warning: plans: there are none"));
  BOOST_TEST(holds(said.text, ", 4 warnings\n"));
}

BOOST_AUTO_TEST_CASE(an_experiment_is_checked_with_all_that_it_names) {
  const auto said = check({samples::source_folder() / "config/experiments/first.yaml"});
  BOOST_TEST(said.code == 0);
  BOOST_TEST(holds(said.text, "fair.yaml:11:29: warning: windows.3day.cap: "));
  BOOST_TEST(holds(said.text, "first.yaml: ok: an experiment, 3 policies, 3 guards, "));
  const test_folder folder;
  folder.write("mine.yaml", least + "review: {cooldwon: 12h}\n");
  const auto bad = folder.write("try.yaml", "policies: [mine.yaml, fair]\nguards: [fpr_warning < 1 for fair]\n");
  const auto refused = check({bad});
  BOOST_TEST(refused.code == 2);
  BOOST_TEST(holds(refused.text, "try.yaml:1:1: error: missing key 'population'"));
  BOOST_TEST(holds(refused.text, "try.yaml:2:10: warning: guards[0]: `fpr_warning < 1 for fair` fails only if"));
  BOOST_TEST(holds(refused.text, "mine.yaml:3:10: error: unknown key 'cooldwon'"));
}

BOOST_AUTO_TEST_SUITE_END()
