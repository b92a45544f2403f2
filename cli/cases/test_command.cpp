// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/system/files.hpp"
#include "base/system/scratch_folder.hpp"
#include "cli/cases/case_history.hpp"
#include "cli/cases/case_report.hpp"
#include "cli/commands.hpp"
#include "cli/experiment_report.hpp"
#include "cli/log.hpp"
#include "cli/output.hpp"
#include "sim/cases/case_file.hpp"
#include "sim/cases/case_run.hpp"

namespace fairuse::cli {

namespace {

struct test_options {
  std::vector<std::string> files;
  std::string junit;
  bool as_json = false;
};

command_result<std::vector<sim::case_file>> load_all(const std::vector<std::string>& files) {
  std::vector<sim::case_file> all;
  std::size_t refused = 0;
  for (const auto& file : files) {
    auto made = loaded(file, [&file](yaml::diagnostics& out) { return sim::load_cases(file, out); });
    if (made)
      all.push_back(std::move(*made));
    else
      ++refused;
  }
  if (refused > 0) return command_error{exit_usage, fmt::format("{} of {} files refused", refused, files.size())};
  return all;
}

command_result<sim::case_result> run_one(const sim::policy_case& of, const std::filesystem::path& folder) {
  const auto traffic = open_case_history(of, folder);
  if (not traffic) return command_error{exit_usage, fmt::format("{}: {}", of.name, traffic.error().message)};
  // A lack of threads or memory, or a damaged block.
  try {
    return run_case(of, **traffic);
  } catch (const std::exception& error) {
    return command_error{exit_failed, fmt::format("{}: {}", of.name, error.what())};
  }
}

command_result<int> run_tests(const test_options& wanted) {
  const auto files = load_all(wanted.files);
  if (not files) return files.error();
  const scratch_folder folder(std::filesystem::temp_directory_path(), "fairuse-test");
  if (folder.path().empty()) return command_error{exit_failed, "no folder for scratch files can be made"};
  std::vector<run_case_file> all;
  for (const auto& file : *files) {
    auto& ran = all.emplace_back(run_case_file{&file, {}});
    for (const auto& each : file.cases) {
      auto result = run_one(each, folder.path());
      if (not result) return result.error();
      ran.results.push_back(std::move(*result));
    }
    if (not wanted.as_json) write_out(case_text(ran, out_width()));
  }
  write_out(wanted.as_json ? case_json(all) : case_summary(all));
  if (not wanted.junit.empty())
    if (const auto done = replace_file(wanted.junit, case_junit(all)); not done)
      return command_error{exit_failed, done.error().message};
  const auto failed = [](const sim::case_result& each) { return not each.passed(); };
  for (const auto& ran : all)
    if (std::any_of(ran.results.begin(), ran.results.end(), failed)) return int{exit_differs};
  return int{exit_done};
}

std::function<int()> declare_test(CLI::App& app) {
  const auto wanted = std::make_shared<test_options>();
  app.add_option("CASE", wanted->files, "Files of cases")->required()->check(CLI::ExistingFile);
  app.add_option("--junit", wanted->junit, "Write the results as JUnit's XML, too");
  app.add_flag("--json", wanted->as_json, "One JSON object instead of the text");
  app.footer(
      "Exit 0: all that was expected was seen, 3: something else was, 2: a file is refused, with line and column.\n"
      "config/policies/tests/README.md has every word of a case.");
  return [wanted] { return exit_code_of(run_tests(*wanted)); };
}

} // namespace

const command test_command = {
    "test",
    "Run cases of a policy: what users do, and what must be seen when.",
    "fairuse test config/policies/tests/fair.yaml\n"
    "fairuse test config/policies/tests/*.yaml --junit cases.xml\n",
    declare_test,
};

} // namespace fairuse::cli
