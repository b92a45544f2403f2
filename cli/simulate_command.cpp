// SPDX-License-Identifier: Apache-2.0

#include "cli/simulate_command.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <system_error>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/pure/hex.hpp"
#include "base/pure/result.hpp"
#include "base/system/files.hpp"
#include "base/system/sha256.hpp"
#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "cli/numbers.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/stop_signal.hpp"
#include "sim/experiment_file.hpp"
#include "sim/report.hpp"

namespace fairuse::cli {

namespace {

using std::chrono::steady_clock;

/// The program: its version, and a hash of its bytes.
std::string binary_text() {
  running_sha256 digest;
  const auto read = read_blocks("/proc/self/exe", [&digest](std::string_view block) { digest.add(block); });
  const auto hash = digest.finish();
  return fmt::format("fairuse {} sha256:{}", FAIRUSE_VERSION, read ? to_hex(as_bytes(hash)) : "unknown");
}

std::optional<sim::experiment> load(const simulate_settings& settings) {
  yaml::diagnostics problems{settings.experiment.string()};
  auto what = sim::load_experiment(settings.experiment, problems);
  problems.sort();
  tell("{}", problems.text());
  if (what and settings.seed) what->seed = *settings.seed;
  return what;
}

/// Check before the run, which may take an hour, that the report can be written.
result<void> prepare_folder(const std::filesystem::path& out) {
  std::error_code problem;
  std::filesystem::create_directories(out, problem);
  if (problem) return error{fmt::format("cannot make the folder {}: {}", out.string(), problem.message())};
  if (not std::filesystem::is_directory(out)) return error{fmt::format("{} is no folder", out.string())};
  return {};
}

sim::run_result simulate(const sim::experiment& what, unsigned workers) {
  std::atomic<bool> stop{false};
  const stop_signal signal{[&stop] { stop = true; }};
  progress shown{what.users, "events"};
  sim::laboratory_options how;
  how.workers = workers > 0 ? workers : std::max(1U, std::thread::hardware_concurrency());
  how.stop = &stop;
  how.progress = [&shown](std::uint64_t users, std::uint64_t events) { shown.show(users, events); };
  const auto begin = steady_clock::now();
  auto result = sim::run_experiment(what, how);
  const auto seconds = std::max(std::chrono::duration<double>(steady_clock::now() - begin).count(), 1e-3);
  shown.clear();
  tell("{} events in {:.1f} s by {} worker{}: {:.1f} million a second\n", result.tally.events, seconds, how.workers,
       how.workers == 1 ? "" : "s", static_cast<double>(result.tally.events) / seconds / 1e6);
  return result;
}

int code_of(const sim::run_result& result, const sim::run_figures& figures) {
  if (result.partial) return exit_interrupted;
  switch (figures.outcome()) {
    case sim::guard_outcome::fails:
      return exit_guard;
    case sim::guard_outcome::not_enough_data:
      return exit_too_little_data;
    case sim::guard_outcome::holds:
      break;
  }
  return exit_done;
}

int run_loaded(const simulate_settings& settings, const sim::experiment& what) {
  const auto result = simulate(what, settings.workers);
  const auto figures = sim::figures_of(what, result);
  const auto report = sim::report_json(what, result, figures, binary_text());
  const auto file = settings.out / "report.json";
  // Before it is shown, so that it is there even if the output is not read to its end.
  if (const auto written = replace_file(file, report); not written) return fail(exit_failed, written.error().message);
  write_out(settings.json ? report : sim::report_table(what, result, figures, out_width()));
  flush_out();
  tell("{}report: {}\n", result.partial ? "stopped early, partial " : "", file.string());
  return code_of(result, figures);
}

/// As in experiment files.
constexpr std::uint64_t seed_max = 999'999'999'999'999'999;

std::function<int()> declare_simulate(CLI::App& app) {
  const auto settings = std::make_shared<simulate_settings>();
  const auto seed = std::make_shared<std::uint64_t>(0);
  app.add_option("experiment", settings->experiment, "Experiment: population, reviewer, policies, guards")->required();
  auto* seed_option = app.add_option("--seed", *seed, "Other random draws; otherwise the experiment's seed")
                          ->check(number_between(std::uint64_t{0}, seed_max));
  app.add_option("--workers", settings->workers, "Threads; 0 is one per processor. No result depends on it")
      ->check(number_between(0, 1'024))
      ->capture_default_str();
  app.add_option("--out", settings->out, "Folder of report.json; made if it is not there")->capture_default_str();
  app.add_flag("--json", settings->json, "Print report.json instead of the table");
  return [settings, seed, seed_option] {
    if (seed_option->count() > 0) settings->seed = *seed;
    return run_simulation(*settings);
  };
}

} // namespace

int run_simulation(const simulate_settings& settings) {
  stop_signal::block();
  const auto what = load(settings);
  if (not what) return fail(exit_usage, settings.experiment.string() + " is refused");
  if (const auto ready = prepare_folder(settings.out); not ready) return fail(exit_failed, ready.error().message);
  // Only a lack of threads or memory throws.
  try {
    return run_loaded(settings, *what);
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
