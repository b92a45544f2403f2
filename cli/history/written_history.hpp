// SPDX-License-Identifier: Apache-2.0
//
// The synthetic traffic of an experiment as a history: what a deployment that received it would have admitted.
#pragma once

#include <filesystem>

#include "sim/experiment.hpp"

namespace fairuse::cli {

/// Writes `to`, in the place of what is there if `replace`; with progress and Ctrl-C. Returns an exit code.
int write_history(const sim::experiment& what, const std::filesystem::path& to, bool replace);

} // namespace fairuse::cli
