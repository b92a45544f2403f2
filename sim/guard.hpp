// SPDX-License-Identifier: Apache-2.0
//
// A guard: a bound on a figure of a run, such as `fpr_restrict.upper < 1%` or `caught_warning.lower > 60% for fair`.
// `fairuse simulate` exits with 4 if one fails.
//
// A rate is one of fpr (legitimate users hit), fdr (hit users who are legitimate), caught (misusers hit) or missed
// (misusers not hit), at a stage; after the dot stands `rate`, or `lower` or `upper` of its 95 % interval. An amount is
// `reviews` (a count) or `harm` (a duration). Without `for NAME` a guard is about the first policy.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/pure/result.hpp"
#include "events/event.hpp"

namespace fairuse::sim {

enum class guard_figure : std::uint8_t { fpr, fdr, caught, missed, reviews, harm };
enum class guard_bound : std::uint8_t { rate, lower, upper };
enum class guard_relation : std::uint8_t { below, at_most, above, at_least };

struct guard {
  /// As it was written.
  std::string text;
  guard_figure figure = guard_figure::fpr;
  /// Of a rate.
  stage at = stage::restrict;
  guard_bound bound = guard_bound::rate;
  guard_relation relation = guard_relation::below;
  /// A rate in 1e-9, a count, or ms.
  std::int64_t value = 0;
  /// Empty: the first policy.
  std::string policy;
};

/// The error says what is wrong with the text, and how to write a guard.
result<guard> parse_guard(std::string_view text);

/// A guard that says nothing about any run: it holds for every figure, or for none. Empty: it is no such guard.
std::string doubt_about(const guard& of);

enum class guard_outcome : std::uint8_t {
  holds,
  fails,
  not_enough_data, ///< the interval contains the value: more users could decide it either way
};

std::string_view to_text(guard_outcome value);

struct policy_figures;

/// Of one policy.
guard_outcome check_guard(const guard& of, const policy_figures& figures);

} // namespace fairuse::sim
