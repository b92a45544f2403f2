// SPDX-License-Identifier: Apache-2.0
//
// Logs of the commands: stderr, text for people or JSON for collectors. No line names a user (DESIGN.md section 10).
#pragma once

#include "config/deployment.hpp"

namespace fairuse::cli {

/// Point spdlog's default logger at stderr. Call it once, before the first line.
void set_up_log(const log_settings& settings);

} // namespace fairuse::cli
