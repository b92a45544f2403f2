// SPDX-License-Identifier: Apache-2.0
//
// The simulated reviewer, in place of a language model. An answer is a pure function of (seed, uid, instant of the
// request): every policy that asks at the same instant gets the same answer, and a request changes no other answer.
//
// The reviewer errs in two ways. It misreads some users every time (`astray_users`: an attended lecture that sounds
// like a podcast, an audiobook that sounds like a voice memo), and it may misread any single review (`astray_reviews`).
// Threads: immutable.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/pure/result.hpp"
#include "events/event.hpp"
#include "sim/population.hpp"
#include "sim/quantile_curve.hpp"
#include "sim/random.hpp"

namespace fairuse::sim {

/// How the reviewer scores one cohort. Scores in 1e-9.
struct review_profile {
  std::string cohort;
  /// Scores of a correct review, and of a misread one.
  quantile_curve score;
  quantile_curve astray;
  ppm astray_users = 0;
  ppm astray_reviews = 0;
  /// Usage types for scores of 0.5 and more, of a correct and of a misread review; below 0.5 the type is `none`.
  usage_type clear_type = usage_type::unknown;
  usage_type astray_type = usage_type::unknown;
};

struct reviewer_model {
  std::string name;
  quantile_curve latency_ms;
  quantile_curve confidence_nano;
  /// Reviews that end without a verdict.
  ppm failures = 0;
  /// By cohort; the profile with an empty name is for all other cohorts.
  std::vector<review_profile> profiles;

  /// The error says what is wrong with it.
  result<void> check() const;

  /// REQUIRES: check() has no error.
  const review_profile& of(std::string_view cohort) const;
};

struct simulated_review {
  time_ms latency_ms = 0;
  bool failed = false;
  bool astray = false;
  std::int32_t score_nano = 0;
  std::int32_t confidence_nano = 0;
  usage_type type = usage_type::none;
};

simulated_review review(const reviewer_model& model, const review_profile& profile, std::uint64_t seed,
                        std::string_view uid, time_ms requested_at);

} // namespace fairuse::sim
