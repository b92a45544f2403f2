// SPDX-License-Identifier: Apache-2.0
//
// An experiment on a history, as `replay` and `simulate` run it.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "cli/command.hpp"
#include "cli/experiment_report.hpp"
#include "sim/mixed_traffic.hpp"

namespace fairuse::cli {

struct captured_files {
  std::filesystem::path history;
  /// CSV; empty: the history's own labels.
  std::string labels;
  /// The system is on and off as it was recorded.
  bool keeps_switches = false;
};

struct opened_history {
  std::unique_ptr<history::history_reader> reader;
  std::unique_ptr<sim::history_plan> plan;
};

/// The error names the way to make one.
result<void> check_exists(const std::filesystem::path& history);
command_result<opened_history> open_history(const captured_files& files);

/// `what` is on `from` (sim::set_captured). `beside`: synthetic users, who are added to it. Returns an exit code.
int run_captured(const report_settings& settings, sim::experiment what, opened_history& from,
                 const std::optional<sim::synthetic_users>& beside = std::nullopt);

/// `what` names a history. Returns an exit code.
int run_named_history(const report_settings& settings, sim::experiment what);

} // namespace fairuse::cli
