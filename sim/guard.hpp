// SPDX-License-Identifier: Apache-2.0
//
// A guard: what a run must show, or the build fails. `fpr_restrict.upper < 1%`, `caught_warning.lower > 60% for fair`.
//
// A rate is one of fpr (legitimate users hit), fdr (hit users who are legitimate), caught (misusers hit) or missed
// (misusers not hit), at a stage; behind the point `rate`, or `lower` and `upper` of its 95 % interval. An amount is
// `reviews` (a count) or `harm` (a duration). Without `for NAME` the first policy is meant.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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

/// nullopt and a sentence in `wrong`, if this is no guard.
std::optional<guard> parse_guard(std::string_view text, std::string& wrong);

enum class guard_verdict : std::uint8_t {
  holds,
  fails,
  not_enough_data, ///< the interval holds the value: more users could settle it either way
};

std::string_view to_text(guard_verdict value);

struct policy_figures;

/// The verdict on one policy.
guard_verdict judge(const guard& of, const policy_figures& figures);

} // namespace fairuse::sim
