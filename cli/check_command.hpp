// SPDX-License-Identifier: Apache-2.0
//
// `fairuse check POLICY.yaml...`: errors and warnings of a policy, or of a deployment and the policies it names.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "cli/command.hpp"

namespace fairuse::cli {

/// One line per finding, as compilers print them, and one per file that may run; with `json` one array of findings.
/// exit_done if every file may run (warnings or not), exit_usage otherwise.
int run_check(const std::vector<std::string>& files, bool json, std::ostream& out);
/// The same, to stdout.
int run_check(const std::vector<std::string>& files, bool json);

} // namespace fairuse::cli
