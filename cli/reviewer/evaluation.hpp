// SPDX-License-Identifier: Apache-2.0
//
// What a model's reviews are worth where the right answer is known: how often it says misuse of whom, at the score that
// counts and at others, with exact intervals. And the same as a reviewer of the laboratory. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/reviewer/review_failure.hpp"
#include "events/event.hpp"

namespace fairuse::cli {

struct judged_review {
  // The label.
  bool misuse = false;
  std::optional<usage_type> labelled_type;
  /// Empty: not named.
  std::string cohort;
  // The review; scores count only if nothing failed.
  review_failure why = review_failure::none;
  std::int32_t score_nano = 0;
  std::int32_t confidence_nano = 0;
  usage_type type = usage_type::none;
  std::optional<std::int64_t> cost_micro;
  std::int64_t calls_ms = 0;
  bool has_ended = false;
};

struct evaluation {
  std::string model;
  std::string prompt_version;
  /// From which score on it is a strike.
  std::int32_t gate_nano = 0;
  std::vector<judged_review> reviews;
  /// What could not be recorded; empty: nothing.
  std::string problem;
};

/// Tables for people.
std::string evaluation_text(const evaluation& of);
/// One JSON object, without a newline.
std::string evaluation_json(const evaluation& of);

/// Not all of them failed.
bool has_verdicts(const evaluation& of);

/// A reviewer in the laboratory's format (config/experiments/README.md), with comments that say what it is made of. A
/// label is one user: whom the model misreads it misreads every time. REQUIRES: nothing in check_for_model();
/// has_verdicts().
std::string reviewer_model_text(const evaluation& of, const std::string& name);
/// Why no reviewer can be made of these labels; empty: one can.
std::string check_for_model(const evaluation& of);

} // namespace fairuse::cli
