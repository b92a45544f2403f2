// SPDX-License-Identifier: Apache-2.0
//
// Every subcommand, each defined in x_command.cpp; main.cpp has them in a table.
#pragma once

#include "cli/command.hpp"

namespace fairuse::cli {

extern const command capacity_command;
extern const command capture_command;
extern const command check_command;
extern const command conform_command;
extern const command control_command;
extern const command decisions_command;
extern const command demo_command;
extern const command history_command;
extern const command notifier_command;
extern const command partitions_command;
extern const command replay_command;
extern const command reviewer_command;
extern const command run_command;
extern const command simulate_command;
extern const command state_command;
extern const command status_command;
extern const command test_command;
extern const command token_command;
extern const command topics_command;
extern const command verify_command;

} // namespace fairuse::cli
