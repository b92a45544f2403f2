// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace fairuse::cli {

struct simulate_settings {
  std::filesystem::path experiment;
  std::optional<std::uint64_t> seed;
  /// 0: one per processor.
  unsigned workers = 0;
  std::filesystem::path out = "fairuse-report";
  /// report.json on stdout instead of the table.
  bool json = false;
};

/// Runs an experiment, prints the outcome and writes report.json; returns an exit code.
int run_simulation(const simulate_settings& settings);

} // namespace fairuse::cli
