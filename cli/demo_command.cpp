// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "cli/output.hpp"
#include "cli/run_command.hpp"
#include "cli/simulate_command.hpp"

namespace fairuse::cli {

namespace {

using std::filesystem::path;

constexpr const char* day_file = "config/demo/day.ndjson";
constexpr const char* day_config = "config/local.yaml";
constexpr const char* experiment_file = "config/experiments/first.yaml";
constexpr const char* base_policy = "config/policies/fair.yaml";
constexpr const char* changed_policy = "config/demo/stricter.yaml";
/// Users of the captured day: one listened to podcasts until late, one was in meetings all day.
constexpr const char* listener = "listener-00";
constexpr const char* manager = "manager-00";

/// The folder above `from`, or `from` itself, that has the demo's files.
std::optional<path> folder_above(path from) {
  std::error_code ignored;
  for (auto at = std::move(from); not at.empty(); at = at.parent_path()) {
    if (std::filesystem::is_regular_file(at / day_file, ignored)) return at;
    if (at == at.root_path()) break;
  }
  return std::nullopt;
}

/// The repository: above the working directory, or above the program.
std::optional<path> find_files() {
  std::error_code ignored;
  if (auto found = folder_above(std::filesystem::current_path(ignored))) return found;
  return folder_above(std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path());
}

std::optional<path> make_state_folder() {
  std::error_code problem;
  auto name = (std::filesystem::temp_directory_path(problem) / "fairuse-demo-XXXXXX").string();
  if (problem or ::mkdtemp(name.data()) == nullptr) return std::nullopt;
  return path(name);
}

void say(std::string_view text) {
  write_out(text);
  flush_out();
}

void title(std::string_view text) { say(fmt::format("\n== {} ==\n\n", text)); }

/// A file of the repository as it can be typed here.
std::string typed(const path& files, const char* name) {
  std::error_code ignored;
  return std::filesystem::equivalent(files, std::filesystem::current_path(ignored), ignored) ? name
                                                                                             : (files / name).string();
}

int run_day(const path& files, const path& state) {
  title("Production: one day of real meetings, through the engine that runs in production");
  say(fmt::format("fairuse run --config {} --state {}/state --input {} --clock events --until-end\n\n",
                  typed(files, day_config), state.string(), typed(files, day_file)));
  run_options options;
  options.config_file = (files / day_config).string();
  options.engine.state_folder = (state / "state").string();
  options.engine.input = (files / day_file).string();
  options.engine.until_end = true;
  options.engine.clock = clock_kind::events;
  return run_engine(std::move(options));
}

/// As a person types it: `words` follow the command's name.
int run_typed(const command& what, std::vector<std::string> words) {
  say(fmt::format("fairuse {} {}\n\n", what.name, fmt::join(words, " ")));
  CLI::App app;
  const auto run = what.declare(app);
  // The parser takes the first word from the end.
  std::reverse(words.begin(), words.end());
  app.parse(words);
  return run();
}

int show_status(const path& state, const char* user) {
  say("\n");
  return run_typed(status_command, {"--state", (state / "state").string(), "--user", user});
}

int run_laboratory(const path& files, const path& state) {
  title("The laboratory: a month of 20,000 people under three policies, through the same actors");
  say(fmt::format("fairuse simulate {} --out {}/report\n\n", typed(files, experiment_file), state.string()));
  simulate_settings settings;
  settings.experiment = files / experiment_file;
  settings.report.out = state / "report";
  return run_simulation(settings);
}

int replay_day(const path& files, const path& state) {
  title("Replay: the same day under a changed policy, before it is switched on");
  const auto day = (state / "day.history").string();
  if (const auto code = run_typed(history_command, {"pack", "--state", (state / "state").string(), "-o", day});
      code != exit_done)
    return code;
  say("\n");
  return run_typed(replay_command, {day, "--policy", typed(files, base_policy), "--policy",
                                    typed(files, changed_policy), "--out", (state / "replay").string()});
}

void show_the_way(const path& state) {
  title("Where to go next");
  const auto folder = state.string();
  say(
      fmt::format("every decision of the day, one a line\n    fairuse decisions --state {0}/state\n"
                  "why one who met people all day was cleared\n    fairuse status --state {0}/state --user {1}\n"
                  "the laboratory's outcome for programs, and the replay's\n    {0}/report/report.json\n"
                  "    {0}/replay/report.json\n"
                  "what a policy can say; copy fair.yaml, change it, and try it\n    config/policies/README.md\n"
                  "how your own traffic is replayed\n    docs/replay.md\n"
                  "what a population and an experiment can say\n    config/experiments/README.md\n"
                  "how to read the tables, and what they rest on\n    docs/laboratory.md\n\n"
                  "{0} may be removed whenever you like.\n",
                  folder, manager));
}

int show_all(const path& files, const path& state) {
  if (const auto code = run_day(files, state); code != exit_done) return code;
  if (const auto code = show_status(state, listener); code != exit_done) return code;
  if (const auto code = run_laboratory(files, state); code != exit_done) return code;
  return replay_day(files, state);
}

int run_demo() {
  const auto files = find_files();
  if (not files)
    return fail(exit_usage,
                fmt::format("{} is neither above the working directory nor above the program; run the demo in the "
                            "repository, as `make demo` does",
                            day_file));
  const auto state = make_state_folder();
  if (not state) return fail(exit_failed, "cannot make a folder for the demo's state; TMPDIR says where it should be");
  const auto code = show_all(*files, *state);
  if (code == exit_done)
    show_the_way(*state);
  else
    tell("fairuse: what the demo made is in {}\n", state->string());
  return code;
}

std::function<int()> declare_demo(CLI::App&) {
  return [] { return run_demo(); };
}

} // namespace

const command demo_command = {
    "demo",
    "Production, simulation and replay in a minute: a captured day, a month in the laboratory, the day again.",
    "fairuse demo",
    declare_demo,
};

} // namespace fairuse::cli
