// SPDX-License-Identifier: Apache-2.0

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
#include "sim/cases/case_update.hpp"

namespace fairuse::cli {

namespace {

struct test_options {
  std::vector<std::string> files;
  std::string junit;
  bool as_json = false;
  bool with_coverage = false;
  bool update = false;
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

std::vector<sim::policy_coverage> coverage_of_all(const std::vector<run_case_file>& all) {
  std::vector<const sim::case_result*> results;
  for (const auto& ran : all)
    for (const auto& each : ran.results)
      results.push_back(&each);
  return sim::coverage_of(results);
}

/// What was seen into the file; its changed lines are shown.
command_result<> update(const run_case_file& ran) {
  const auto text = read_file(ran.of->file);
  if (not text) return command_error{exit_failed, text.error().message};
  const auto made = sim::update_cases(*text, ran.results);
  if (not made) return command_error{exit_failed, fmt::format("{}: {}", ran.of->file, made.error().message)};
  if (made->values == 0) return {};
  if (const auto done = replace_file(ran.of->file, made->text); not done)
    return command_error{exit_failed, done.error().message};
  flush_out();
  tell("{}: {} values updated\n{}", ran.of->file, made->values, made->diff);
  return {};
}

/// Failures that an update does not mend are failures still.
bool has_failed(const std::vector<run_case_file>& all, bool updated) {
  for (const auto& ran : all)
    for (const auto& each : ran.results)
      for (const auto& value : each.values)
        if (not value.holds and not(updated and value.can_be_expected)) return true;
  return false;
}

command_result<int> run_tests(const test_options& wanted) {
  const std::vector<std::filesystem::path> read(wanted.files.begin(), wanted.files.end());
  if (const auto apart = check_apart(wanted.junit, read); not apart)
    return command_error{exit_usage, apart.error().message};
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
  const auto coverage = wanted.with_coverage ? coverage_of_all(all) : std::vector<sim::policy_coverage>();
  if (wanted.as_json)
    write_out(case_json(all, wanted.with_coverage ? &coverage : nullptr));
  else
    write_out(case_summary(all) + coverage_text(coverage, out_width()));
  if (not wanted.junit.empty())
    if (const auto done = replace_file(wanted.junit, case_junit(all)); not done)
      return command_error{exit_failed, done.error().message};
  for (const auto& ran : all)
    if (const auto done = wanted.update ? update(ran) : command_result<>{}; not done) return done.error();
  return has_failed(all, wanted.update) ? int{exit_differs} : int{exit_done};
}

std::function<int()> declare_test(CLI::App& app) {
  const auto wanted = std::make_shared<test_options>();
  app.add_option("CASE", wanted->files, "Files of cases")->required()->check(CLI::ExistingFile);
  app.add_option("--junit", wanted->junit, "Write the results as JUnit's XML, too");
  app.add_flag("--coverage", wanted->with_coverage, "Name what of the policies no case reached");
  app.add_flag("--update", wanted->update, "Write what was seen into the files, and show the lines that changed");
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
    "fairuse test config/policies/tests/*.yaml --junit cases.xml\n"
    "fairuse test mine.yaml --coverage\n"
    "fairuse test mine.yaml --update",
    declare_test,
};

} // namespace fairuse::cli
