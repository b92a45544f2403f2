// SPDX-License-Identifier: Apache-2.0

#include "cli/simulate_command.hpp"

#include <exception>
#include <functional>
#include <memory>

#include <CLI/CLI.hpp>

#include "base/system/files.hpp"
#include "cli/commands.hpp"
#include "cli/history/captured_run.hpp"
#include "cli/history/written_history.hpp"
#include "cli/log.hpp"
#include "cli/numbers.hpp"
#include "cli/output.hpp"
#include "cli/stop_signal.hpp"
#include "sim/experiment_file.hpp"

namespace fairuse::cli {

namespace {

std::optional<sim::experiment> load(const simulate_settings& settings) {
  auto what = loaded(settings.experiment,
                     [&](yaml::diagnostics& out) { return sim::load_experiment(settings.experiment, out); });
  if (what and settings.seed) what->seed = *settings.seed;
  return what;
}

std::function<int()> declare_simulate(CLI::App& app) {
  const auto settings = std::make_shared<simulate_settings>();
  const auto seed = std::make_shared<std::uint64_t>(0);
  app.add_option("experiment", settings->experiment, "Experiment: population or history, reviewer, policies, guards")
      ->required();
  auto* seed_option = app.add_option("--seed", *seed, "Other random draws; otherwise the experiment's seed")
                          ->check(number_between(std::uint64_t{0}, seed_max));
  auto* history =
      app.add_option("--write-history", settings->history, "Write the traffic as a history, for `fairuse replay`");
  app.add_flag("--force", settings->replace, "Replace that history if it is there")->needs(history);
  add_report_options(app, settings->report);
  return [settings, seed, seed_option] {
    if (seed_option->count() > 0) settings->seed = *seed;
    return run_simulation(*settings);
  };
}

} // namespace

int run_simulation(const simulate_settings& settings) {
  stop_signal::block();
  const std::filesystem::path read[] = {settings.experiment};
  if (const auto apart = check_apart(settings.report.decisions, read); not apart)
    return fail(exit_usage, apart.error().message);
  const auto what = load(settings);
  if (not what) return fail(exit_usage, settings.experiment.string() + " is refused");
  if (what->from and not settings.history.empty())
    return fail(exit_usage, "--write-history writes synthetic traffic, and the experiment's is a history; remove one");
  if (const auto ready = prepare_folder(settings.report.out); not ready)
    return fail(exit_failed, ready.error().message);
  // A lack of threads or memory, or a damaged block of a history.
  try {
    if (what->from) return run_named_history(settings.report, *what);
    if (not settings.history.empty())
      if (const int code = write_history(*what, settings.history, settings.replace); code != exit_done) return code;
    return run_and_report(settings.report, *what,
                          [&what](const sim::laboratory_options& how) { return sim::run_experiment(*what, how); });
  } catch (const std::exception& error) {
    return fail(exit_failed, error.what());
  }
}

const command simulate_command = {
    "simulate",
    "Try policies on a synthetic population before anyone is warned.",
    "fairuse simulate config/experiments/first.yaml\n"
    "fairuse simulate config/experiments/first.yaml --seed 7 --out reports/seven\n"
    "fairuse simulate mine.yaml --json --workers 4     exit 4: a guard failed, 5: too few users to say",
    declare_simulate,
};

} // namespace fairuse::cli
