// SPDX-License-Identifier: Apache-2.0
//
// What the commands share that run until they are stopped: the engine, the reviewer, the notifier.
// Threads: one.
#pragma once

#include <optional>
#include <string>

#include "base/pure/result.hpp"
#include "config/deployment.hpp"
#include "engine/run_error.hpp"

namespace fairuse::cli {

/// Of the environment; empty: it is not set.
std::string variable(const char* name);

/// What FAIRUSE_FAIL says (streams/failpoint.hpp).
result<void> arm_failpoint();

/// The file and the policies that it names. Nullopt: each line that is wrong was said.
std::optional<loaded_deployment> load_told(const std::string& file);

/// Logs the error; the exit code.
int fail(const run_error& why);

} // namespace fairuse::cli
