// SPDX-License-Identifier: Apache-2.0
//
// The two reports of a run: report.json for programs (docs/laboratory.md describes every member) and a table for
// people. Neither contains the time of the run, a path or the number of workers, so equal runs have equal bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "sim/figures.hpp"

namespace fairuse::sim {

/// `binary` names the program that ran. Ends with a newline.
std::string report_json(const experiment& what, const run_result& result, const run_figures& figures,
                        std::string_view binary);

/// Lines of at most `width`.
std::string report_table(const experiment& what, const run_result& result, const run_figures& figures,
                         std::size_t width);

} // namespace fairuse::sim
