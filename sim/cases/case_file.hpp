// SPDX-License-Identifier: Apache-2.0
//
// Reads files of cases. config/policies/tests/README.md documents every key.
#pragma once

#include <filesystem>
#include <optional>

#include "sim/cases/policy_case.hpp"

namespace fairuse::sim {

/// Nullopt and diagnostics if it is refused. Policies, histories and files are named as from the file's folder.
std::optional<case_file> load_cases(const std::filesystem::path& file, yaml::diagnostics& out);

} // namespace fairuse::sim
