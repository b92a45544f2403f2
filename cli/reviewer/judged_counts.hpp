// SPDX-License-Identifier: Apache-2.0
//
// Counts of reviews whose right answer is known. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "cli/reviewer/evaluation.hpp"

namespace fairuse::cli {

struct share_of {
  std::uint64_t hits = 0;
  std::uint64_t all = 0;
};

/// A review says misuse if its score is at the gate or above. One that failed says nothing.
struct confusion {
  std::uint64_t found = 0;
  std::uint64_t missed = 0;
  std::uint64_t failed_misuse = 0;
  std::uint64_t accused = 0;
  std::uint64_t cleared = 0;
  std::uint64_t failed_legitimate = 0;

  share_of false_positives() const { return {accused, accused + cleared}; }
  share_of finds() const { return {found, found + missed}; }
};

struct known_costs {
  std::uint64_t known = 0;
  std::int64_t micro = 0;
};

confusion confusion_of(const evaluation& of, std::int32_t gate_nano);
std::uint64_t failed_of(const evaluation& of);
std::map<review_failure, std::uint64_t> failures_of(const evaluation& of);
known_costs costs_of(const evaluation& of);
/// Of misuse that was found and has a labelled type.
share_of types_right_of(const evaluation& of);
/// How often misuse was said of each named cohort, at the gate.
std::map<std::string, share_of> cohorts_of(const evaluation& of);

} // namespace fairuse::cli
