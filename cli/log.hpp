// SPDX-License-Identifier: Apache-2.0
//
// Logs of the commands: stderr, text for people or JSON for collectors. No line names a user.
#pragma once

#include <string>

#include "cli/command.hpp"
#include "config/deployment.hpp"

namespace fairuse::cli {

/// Point spdlog's default logger at stderr. main() does it for what is said before a deployment is read.
void set_up_log(const log_settings& settings);

/// To spdlog's default logger. From any thread.
void log_line(log_level level, const std::string& text);

/// What a command without a log says before it ends; returns `code`.
int fail(int code, const std::string& sentence);
int fail(const command_error& why);

/// The exit code of a command with a log; logs the error, if it is one.
int exit_code_of(const command_result<int>& ended);

} // namespace fairuse::cli
