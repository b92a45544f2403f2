// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/command.hpp"

namespace fairuse::cli {

extern const command verify_command;

} // namespace fairuse::cli
