// SPDX-License-Identifier: Apache-2.0
//
// A run on paper: report.json for programs (docs/laboratory.md describes every member), a table for people. Neither
// holds a time, a path or a number of workers, so equal runs have equal bytes.
#pragma once

#include <string>
#include <string_view>

#include "sim/figures.hpp"

namespace fairuse::sim {

/// `binary` says what ran. Ends with a newline.
std::string report_json(const experiment& what, const run_result& result, const run_figures& figures,
                        std::string_view binary);

std::string report_table(const experiment& what, const run_result& result, const run_figures& figures);

} // namespace fairuse::sim
