// SPDX-License-Identifier: Apache-2.0
//
// What `simulate` and `replay` have in common: run an experiment with progress and Ctrl-C, write report.json, show it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "base/pure/result.hpp"
#include "cli/output.hpp"
#include "config/yaml.hpp"
#include "sim/laboratory.hpp"

namespace CLI {
class App;
}

namespace fairuse::cli {

/// Of experiment files and of --seed.
inline constexpr std::uint64_t seed_max = 999'999'999'999'999'999;

/// What `load` makes of a user's file; problems are told.
template <class Load>
auto loaded(const std::filesystem::path& file, const Load& load) {
  yaml::diagnostics problems{file.string()};
  auto made = load(problems);
  problems.sort();
  tell("{}", problems.text());
  return made;
}

struct report_settings {
  /// 0: one per processor.
  unsigned workers = 0;
  /// Folder of report.json; made if it is not there.
  std::filesystem::path out = "fairuse-report";
  /// report.json on stdout instead of the table.
  bool json = false;
  /// report.json lists every user, not only those who reached a stage.
  bool all_users = false;
  /// NDJSON of all decisions; empty: none is written.
  std::filesystem::path decisions;
  /// Users of a history who cannot meet a cap are not decided event by event.
  bool certificates = true;
};

/// The options --workers, --out, --json, --users, --decisions and --no-certificate. REQUIRES: `to` lives as long as
/// `app`.
void add_report_options(CLI::App& app, report_settings& to);

/// Check before the run, which may take an hour, that the report can be written.
result<void> prepare_folder(const std::filesystem::path& out);

using experiment_run = std::function<sim::run_result(const sim::laboratory_options&)>;

/// Returns an exit code. May throw where threads, memory or a history's bytes fail.
int run_and_report(const report_settings& settings, const sim::experiment& what, const experiment_run& run);

} // namespace fairuse::cli
