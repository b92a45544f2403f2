// SPDX-License-Identifier: Apache-2.0
//
// Compatibility scenarios: one JSON line in, one row out, through the real shard and user actors. The rows are what the
// system that exists today decides; docs/conform.md documents the format and its rules.
#pragma once

#include <iosfwd>
#include <string>

namespace fairuse {

/// Run a scenario: line 1 is the configuration, then one event a line. Rows go to `out`, one JSON object a line.
/// Returns an empty text, or what is wrong with the scenario, with its line.
std::string run_conform(std::istream& scenario, std::ostream& out);

} // namespace fairuse
