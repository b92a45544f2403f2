// SPDX-License-Identifier: Apache-2.0
//
// Reads populations and reviewers: config/experiments/population.yaml and reviewer.yaml, or maps inside an experiment
// file. config/experiments/README.md documents their keys.
#pragma once

#include <optional>

#include "config/yaml.hpp"
#include "sim/population.hpp"
#include "sim/reviewer.hpp"

namespace fairuse::sim {

/// nullopt if anything is wrong; `out` says what and where.
std::optional<population> read_population(const yaml::node& of, yaml::diagnostics& out);
std::optional<population> load_population(const std::filesystem::path& file, yaml::diagnostics& out);

/// Refuses profiles of cohorts that `people` does not have; without `people` any name is accepted.
std::optional<reviewer_model> read_reviewer(const yaml::node& of, const population* people, yaml::diagnostics& out);
std::optional<reviewer_model> load_reviewer(const std::filesystem::path& file, const population* people,
                                            yaml::diagnostics& out);

} // namespace fairuse::sim
