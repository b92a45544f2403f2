// SPDX-License-Identifier: Apache-2.0
//
// A distribution given by its quantiles: a monotone curve through knots, geometric between them. It describes speech
// per day, session lengths, lateness, latencies and scores: none of the observed ones has the shape of a standard
// distribution.
//
// Invariants: integers only (geometric means by integer square roots), so the same curve on every machine; at() never
// leaves [first knot, last knot] and never falls.
// Threads: immutable after construction.
#pragma once

#include <cstdint>
#include <vector>

#include "base/pure/result.hpp"
#include "sim/random.hpp"

namespace fairuse::sim {

/// Parts per billion: the unit of quantiles. 500'000'000 is the median.
using ppb = std::uint32_t;
inline constexpr ppb whole = 1'000'000'000;

struct quantile_knot {
  ppb at = 0;
  std::int64_t value = 0;
};

class quantile_curve {
public:
  /// The curve that is 0 everywhere.
  quantile_curve();

  /// REQUIRES: check(knots) has no error.
  explicit quantile_curve(std::vector<quantile_knot> knots);

  /// The error says what is wrong with these knots. Knots rise from 0 to `whole` in `at`, do not
  /// fall in value, and values lie in 0 .. 2'000'000'000 (products of two must fit into 64 bits).
  static result<void> check(const std::vector<quantile_knot>& knots);

  /// REQUIRES: at <= whole.
  std::int64_t at(ppb at) const;

  std::int64_t sample(random_stream& random) const { return at(random.below(whole)); }

  const std::vector<quantile_knot>& knots() const { return knots_; }

private:
  static constexpr std::uint32_t values_per_segment = 64;

  std::vector<quantile_knot> knots_;
  /// The values of each segment between two knots, and the last knot's value.
  std::vector<std::int64_t> values_;
};

/// Largest integer whose square is not above `value`.
std::uint64_t integer_square_root(std::uint64_t value);

} // namespace fairuse::sim
