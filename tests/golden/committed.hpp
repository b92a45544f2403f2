// SPDX-License-Identifier: Apache-2.0
//
// Compares values with the lines of a committed file of tests/golden. committed.py does the same for the scripts.
// Threads: one.
#pragma once

#include <set>
#include <string>

namespace fairuse::golden {

/// Compares with the lines of `file` that begin with `group` and a space; every line that differs is an error of
/// Boost.Test. With FAIRUSE_GOLDEN_UPDATE=1 these lines are replaced instead.
void compare(const std::string& file, const std::string& group, const std::set<std::string>& seen);

} // namespace fairuse::golden
