// SPDX-License-Identifier: Apache-2.0
//
// What is said on stderr besides results. A running engine logs `HH:MM:SS level: text` (UTC), or JSON for collectors,
// and then every line on stderr is an object; all other commands say `fairuse: text`, and the level only of what is no
// error. No line names a user. A line behind which a request stands has `, trace ` and its trace id, which JSON has
// as a member, too.
#pragma once

#include <string>

#include "cli/command.hpp"
#include "config/deployment.hpp"

namespace fairuse::cli {

/// Point spdlog's default logger at stderr, for a command that ends by itself. main() does it for all.
void set_up_command_log(log_level least = log_level::info);

/// The same for an engine, which runs on.
void set_up_engine_log(const log_settings& settings);

/// To spdlog's default logger. From any thread.
void log_line(log_level level, const std::string& text);

/// What a command says before it ends; returns `code`.
int fail(int code, const std::string& sentence);
int fail(const command_error& why);

/// The exit code of a command; says the error, if it is one.
int exit_code_of(const command_result<int>& ended);

} // namespace fairuse::cli
