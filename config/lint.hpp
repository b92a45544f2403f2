// SPDX-License-Identifier: Apache-2.0
//
// The policy linter: rules that may run, but contradict themselves or have no effect. `fairuse check` prints what it
// finds.
#pragma once

#include <vector>

#include "config/policy_file.hpp"
#include "core/policy.hpp"

namespace fairuse {

/// Rules that may run and make no sense, in the order of the file. REQUIRES: contradictions(rules) is empty.
std::vector<finding> lint(const policy& rules);

/// The same as warnings with their places in the file `root` was read from. Also finds what only the file shows, such
/// as a key without effect.
void lint(const policy& rules, const yaml::node& root, yaml::diagnostics& out);

} // namespace fairuse
