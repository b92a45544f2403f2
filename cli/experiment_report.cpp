// SPDX-License-Identifier: Apache-2.0

#include "cli/experiment_report.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <system_error>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/pure/hex.hpp"
#include "base/system/files.hpp"
#include "base/system/sha256.hpp"
#include "cli/command.hpp"
#include "cli/log.hpp"
#include "cli/numbers.hpp"
#include "cli/output.hpp"
#include "cli/program.hpp"
#include "cli/progress.hpp"
#include "cli/stop_signal.hpp"
#include "sim/report.hpp"

namespace fairuse::cli {

namespace {

using std::chrono::steady_clock;

/// The program: its version, and a hash of its bytes.
std::string binary_text() {
  running_sha256 digest;
  const auto read = read_blocks("/proc/self/exe", [&digest](std::string_view block) { digest.add(block); });
  const auto hash = digest.finish();
  return fmt::format("{} sha256:{}", program_text, read ? to_hex(as_bytes(hash)) : "unknown");
}

sim::run_result run_shown(const report_settings& settings, const sim::experiment& what, const experiment_run& run) {
  std::atomic<bool> stop{false};
  const stop_signal signal{[&stop] { stop = true; }};
  progress shown{what.users, "events"};
  sim::laboratory_options how;
  how.workers = settings.workers > 0 ? settings.workers : std::max(1U, std::thread::hardware_concurrency());
  how.stop = &stop;
  how.lists_all_users = settings.all_users;
  how.keeps_decisions = not settings.decisions.empty();
  how.progress = [&shown](std::uint64_t users, std::uint64_t events) { shown.show(users, events); };
  const auto begin = steady_clock::now();
  auto result = run(how);
  const auto seconds = std::max(std::chrono::duration<double>(steady_clock::now() - begin).count(), 1e-3);
  shown.clear();
  tell("{} events in {:.1f} s by {} worker{}: {:.1f} million a second\n", result.tally.events, seconds, how.workers,
       how.workers == 1 ? "" : "s", static_cast<double>(result.tally.events) / seconds / 1e6);
  if (const auto users = result.tally.certified_users; users > 0)
    tell("{} of {} users cannot reach a cap and were only counted (--no-certificate decides them, too)\n", users,
         result.tally.users);
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

result<void> write_decisions(const std::filesystem::path& file, const sim::run_tally& all) {
  auto to = file_replacement::open(file);
  if (not to) return to.error();
  for (const auto& each : all.decisions)
    if (auto done = to->write(each.lines); not done) return done;
  return to->commit();
}

} // namespace

void add_report_options(CLI::App& app, report_settings& to) {
  app.add_option("--workers", to.workers, "Threads; 0 is one per processor. No result depends on it")
      ->check(number_between(0, 1'024))
      ->capture_default_str();
  app.add_option("--out", to.out, "Folder of report.json; made if it is not there")->capture_default_str();
  app.add_flag("--json", to.json, "Print report.json instead of the table");
  app.add_option_function<std::string>(
         "--users", [&to](const std::string& which) { to.all_users = which == "all"; },
         "Users that report.json lists: those who reached a stage (hit), or all")
      ->check(CLI::IsMember({"hit", "all"}))
      ->default_str("hit");
  app.add_option("--decisions", to.decisions, "Write every decision, NDJSON by user: id, epoch and case are left out");
  app.add_flag_callback(
      "--no-certificate", [&to] { to.certificates = false; },
      "Decide the events of all users of a history. Else users whose sums cannot reach a cap are only counted, which "
      "gives the same report");
}

result<void> prepare_folder(const std::filesystem::path& out) {
  std::error_code problem;
  std::filesystem::create_directories(out, problem);
  if (problem) return error{fmt::format("cannot make the folder {}: {}", out.string(), problem.message())};
  if (not std::filesystem::is_directory(out)) return error{fmt::format("{} is no folder", out.string())};
  return {};
}

int run_and_report(const report_settings& settings, const sim::experiment& what, const experiment_run& run) {
  const auto result = run_shown(settings, what, run);
  const auto figures = sim::figures_of(what, result);
  const auto report = sim::report_json(what, result, figures, binary_text());
  const auto file = settings.out / "report.json";
  if (not settings.decisions.empty())
    if (const auto written = write_decisions(settings.decisions, result.tally); not written)
      return fail(exit_failed, written.error().message);
  // Before it is shown, so that it is there even if the output is not read to its end.
  if (const auto written = replace_file(file, report); not written) return fail(exit_failed, written.error().message);
  write_out(settings.json ? report : sim::report_table(what, result, figures, out_width()));
  flush_out();
  tell("{}report: {}\n", result.partial ? "stopped early, partial " : "", file.string());
  return code_of(result, figures);
}

} // namespace fairuse::cli
