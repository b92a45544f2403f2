// SPDX-License-Identifier: Apache-2.0
//
// Reads experiment files (config/experiments/README.md). Paths are relative to the file.
#pragma once

#include <filesystem>
#include <optional>

#include "config/yaml.hpp"
#include "sim/experiment.hpp"

namespace fairuse::sim {

/// nullopt if anything is wrong, in this file or in one that it names; `out` says what and where.
std::optional<experiment> load_experiment(const std::filesystem::path& file, yaml::diagnostics& out);

} // namespace fairuse::sim
