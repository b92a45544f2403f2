// SPDX-License-Identifier: Apache-2.0
//
// Reads experiment files (config/experiments/README.md). Paths are relative to the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "config/yaml.hpp"
#include "sim/experiment.hpp"

namespace fairuse::sim {

/// What is said about the policies of an experiment.
enum class policy_advice : std::uint8_t {
  errors,   ///< why they are refused
  warnings, ///< also what makes no sense in them
};

/// nullopt if anything is wrong, in this file or in one that it names; `out` says what and where.
std::optional<experiment> load_experiment(const std::filesystem::path& file, yaml::diagnostics& out,
                                          policy_advice about_policies = policy_advice::errors);

/// Has this file what makes it an experiment, right or wrong?
bool is_experiment(const yaml::node& root);

} // namespace fairuse::sim
