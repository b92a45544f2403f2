// SPDX-License-Identifier: Apache-2.0
//
// Populations and reviewers as people write them: config/experiments/population.yaml and reviewer.yaml, or inline in an
// experiment. Their keys are explained in config/experiments/README.md.
#pragma once

#include <optional>

#include "config/yaml.hpp"
#include "sim/population.hpp"
#include "sim/reviewer.hpp"

namespace fairuse::sim {

/// nullopt if anything is wrong; `out` says what and where.
std::optional<population> read_population(const yaml::node& of, yaml::diagnostics& out);
std::optional<population> load_population(const std::filesystem::path& file, yaml::diagnostics& out);

/// Profiles are refused for cohorts that `people` does not have; without `people` any name goes.
std::optional<reviewer_model> read_reviewer(const yaml::node& of, const population* people, yaml::diagnostics& out);
std::optional<reviewer_model> load_reviewer(const std::filesystem::path& file, const population* people,
                                            yaml::diagnostics& out);

} // namespace fairuse::sim
