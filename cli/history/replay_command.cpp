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
#include "cli/commands.hpp"
#include "cli/experiment_report.hpp"
#include "cli/history/captured_run.hpp"
#include "cli/history/recorded_replay.hpp"
#include "cli/log.hpp"
#include "cli/numbers.hpp"
#include "cli/output.hpp"
#include "cli/stop_signal.hpp"
#include "config/policy_file.hpp"
#include "sim/history_feed.hpp"
#include "sim/population_file.hpp"

namespace fairuse::cli {

namespace {

struct replay_settings {
  captured_files files;
  std::vector<std::filesystem::path> policies;
  std::filesystem::path reviewer;
  std::uint64_t seed = 1;
  report_settings report;
  bool as_recorded = false;
  std::filesystem::path case_key;
};

result<void> load_policies(const std::vector<std::filesystem::path>& files, sim::experiment& into) {
  for (const auto& file : files) {
    auto made = loaded(file, [&file](yaml::diagnostics& out) { return load_policy(file, out); });
    if (not made) return error{file.string() + " is refused"};
    // A history has all of a user's past: no retention cuts a window short.
    into.retention_ms = std::max(into.retention_ms, sim::longest_span_ms(*made));
    if (auto why = sim::why_not_added(*made, into); not why.empty())
      return error{fmt::format("{}: {}", file.string(), why)};
    into.policies.push_back(std::move(*made));
  }
  const auto& all = into.policies;
  if (auto fits = policy_set::check(all.front(), {all.begin() + 1, all.end()}, review_mode::alone); not fits)
    return error{fits.error().message};
  return {};
}

result<sim::experiment> make_experiment(const replay_settings& settings, const sim::history_plan& plan) {
  sim::experiment what;
  what.seed = settings.seed;
  sim::set_captured(what, plan, settings.files.history.filename().string());
  if (auto done = load_policies(settings.policies, what); not done) return done.error();
  if (settings.reviewer.empty()) return what;
  auto model = loaded(settings.reviewer,
                      [&](yaml::diagnostics& out) { return sim::load_reviewer(settings.reviewer, nullptr, out); });
  if (not model) return error{settings.reviewer.string() + " is refused"};
  what.reviewer = std::move(*model);
  return what;
}

int run_as_recorded(const replay_settings& settings) {
  return exit_code_of(show_recorded({.what = {settings.files.history, settings.report.workers, settings.case_key},
                                     .decisions = settings.report.decisions,
                                     .as_json = settings.report.json}));
}

result<void> check_decisions(const replay_settings& settings) {
  std::vector<std::filesystem::path> read(settings.policies.begin(), settings.policies.end());
  read.insert(read.end(), {settings.files.history, settings.files.labels, settings.reviewer, settings.case_key});
  return check_apart(settings.report.decisions, read);
}

int run_replay(const replay_settings& settings) {
  stop_signal::block();
  if (const auto apart = check_decisions(settings); not apart) return fail(exit_usage, apart.error().message);
  if (const auto there = check_exists(settings.files.history); not there)
    return fail(exit_usage, there.error().message);
  if (settings.as_recorded) return run_as_recorded(settings);
  if (settings.policies.empty())
    return fail(exit_usage, "name the policies to try with --policy, or replay it --as-recorded");
  auto from = open_history(settings.files);
  if (not from) return fail(from.error());
  auto what = make_experiment(settings, *from->plan);
  if (not what) return fail(exit_usage, what.error().message);
  // A lack of threads or memory, or a damaged block.
  try {
    return run_captured(settings.report, std::move(*what), *from);
  } catch (const std::exception& error) {
    return fail(exit_failed, fmt::format("{}: {}", settings.files.history.string(), error.what()));
  }
}

std::function<int()> declare_replay(CLI::App& app) {
  const auto settings = std::make_shared<replay_settings>();
  app.add_option("history", settings->files.history, "A history (fairuse history pack)")->required();
  auto* recorded = app.add_flag("--as-recorded", settings->as_recorded,
                                "Under the policies, switches, commands and answers of its deployment: what production "
                                "decided, in all slots");
  app.add_option("--policy", settings->policies, "Policies to try, each alone; the others are compared with the first")
      ->excludes(recorded);
  app.add_option("--case-key", settings->case_key,
                 "File with the case key of production, for commands that name a strike by its case; else "
                 "FAIRUSE_CASE_KEY, else the development key")
      ->needs(recorded);
  app.add_option("--reviewer", settings->reviewer, "Answers requests that nothing was recorded for");
  app.add_option(
      "--labels", settings->files.labels,
      "A CSV with the columns uid and label (legitimate, misuse or exhausted), instead of the history's labels");
  app.add_option_function<std::string>(
         "--controls", [settings](const std::string& which) { settings->files.keeps_switches = which == "recorded"; },
         "The system is on from the beginning (on), or on and off as it was (recorded)")
      ->check(CLI::IsMember({"on", "recorded"}))
      ->default_str("on");
  app.add_option("--seed", settings->seed, "Of the reviewer's draws")
      ->check(number_between(std::uint64_t{0}, seed_max))
      ->capture_default_str();
  add_report_options(app, settings->report);
  for (const auto* name : {"--reviewer", "--labels", "--controls", "--seed", "--out", "--users", "--no-certificate"})
    app.get_option(name)->excludes(recorded);
  return [settings] { return run_replay(*settings); };
}

} // namespace

const command replay_command = {
    "replay",
    "Decide captured months again, under other policies or as they were decided.",
    "fairuse replay march.history --policy config/policies/fair.yaml --policy mine.yaml\n"
    "fairuse replay march.history --policy mine.yaml --reviewer config/experiments/reviewer.yaml --out reports/mine\n"
    "fairuse replay march.history --policy mine.yaml --users all --json\n"
    "fairuse replay march.history --as-recorded --decisions march.ndjson",
    declare_replay,
};

} // namespace fairuse::cli
