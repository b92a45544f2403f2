// SPDX-License-Identifier: Apache-2.0
//
// What became of cases: for people, as JSON, and as JUnit's XML, which CI systems read.
#pragma once

#include <string>
#include <vector>

#include "sim/cases/case_coverage.hpp"
#include "sim/cases/case_run.hpp"

namespace fairuse::cli {

struct run_case_file {
  const sim::case_file* of = nullptr;
  std::vector<sim::case_result> results;
};

/// `all`: cases that passed are named, too.
std::string case_text(const run_case_file& ran, std::size_t width);
std::string case_summary(const std::vector<run_case_file>& all);
std::string coverage_text(const std::vector<sim::policy_coverage>& all, std::size_t width);
/// `coverage`: nullptr if it was not asked for.
std::string case_json(const std::vector<run_case_file>& all, const std::vector<sim::policy_coverage>* coverage);
std::string case_junit(const std::vector<run_case_file>& all);

} // namespace fairuse::cli
