// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "cli/experiment_report.hpp"

namespace fairuse::cli {

struct simulate_settings {
  std::filesystem::path experiment;
  std::optional<std::uint64_t> seed;
  /// Of the traffic; empty: none is written.
  std::filesystem::path history;
  /// It may be there.
  bool replace = false;
  report_settings report;
};

/// Runs an experiment, prints the outcome and writes report.json; returns an exit code.
int run_simulation(const simulate_settings& settings);

} // namespace fairuse::cli
