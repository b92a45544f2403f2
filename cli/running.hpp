// SPDX-License-Identifier: Apache-2.0
//
// What the commands share that run until they are stopped: the engine, the reviewer, the notifier.
// Threads: one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/pure/result.hpp"
#include "cli/stop_signal.hpp"
#include "config/deployment.hpp"
#include "engine/run_error.hpp"

namespace fairuse::cli {

/// Of the environment; empty: it is not set.
std::string variable(const char* name);

/// What FAIRUSE_FAIL says (streams/failpoint.hpp).
result<void> arm_failpoint();

/// The file and the policies that it names. Nullopt: each line that is wrong was said.
std::optional<loaded_deployment> load_told(const std::string& file);
/// The same, and the log is as the deployment wants it from there on.
std::optional<loaded_deployment> load_for_running(const std::string& file);

/// Logs the error; the exit code.
int fail(const run_error& why);

/// A signal ended it, and why that is well: for the log. Nothing if none came.
void tell_stopped(const stop_signal& signal, std::string_view more = {});
/// The exit code of what came to its end: 130 after Ctrl-C.
int ended(const stop_signal& signal);

} // namespace fairuse::cli
