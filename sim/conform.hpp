// SPDX-License-Identifier: Apache-2.0
//
// Compatibility scenarios: one JSON line in, one row out, through the real shard and user actors. The rows are
// decisions of the existing system; docs/conform.md documents the format and its rules.
#pragma once

#include <iosfwd>

#include "base/pure/result.hpp"

namespace fairuse {

/// Run a scenario: line 1 is the configuration, then one event a line. Rows go to `out`, one JSON object a line.
/// The error says what is wrong with the scenario, and in which line.
result<void> run_conform(std::istream& scenario, std::ostream& out);

} // namespace fairuse
