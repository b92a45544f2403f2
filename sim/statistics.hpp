// SPDX-License-Identifier: Apache-2.0
//
// Exact intervals, exact paired tests, quantiles. The unit is the user. Counts are integers and independent of order;
// floating point only turns finished counts into rates.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

namespace fairuse::sim {

struct interval {
  double lower = 0;
  double upper = 1;
};

/// Two-sided Clopper-Pearson interval of a proportion. Without trials it is [0, 1].
/// REQUIRES: hits <= trials, 0 < confidence < 1.
interval clopper_pearson(std::uint64_t hits, std::uint64_t trials, double confidence = 0.95);

/// Exact two-sided McNemar test: of users on whom two policies disagree, `only_first` were hit by the first alone and
/// `only_second` by the second alone. 1 if they disagree on no user.
double mcnemar(std::uint64_t only_first, std::uint64_t only_second);

/// What data says about "the rate is below `bound`".
enum class evidence : std::uint8_t {
  below,     ///< the interval ends below the bound
  above,     ///< it begins at or above the bound
  not_enough ///< the bound lies inside
};

evidence compare(std::uint64_t hits, std::uint64_t trials, double bound, double confidence = 0.95);

/// Fewest trials with `hits` hits for which compare() says `below`: 368 for no hit and 1 %.
/// REQUIRES: 0 < bound < 1.
std::uint64_t trials_needed(double bound, std::uint64_t hits = 0, double confidence = 0.95);

/// Histogram of non-negative integers in buckets of at most 1/128 relative width (exact below 256). Merging adds
/// counts, so the quantiles do not depend on how the data is divided among workers.
class histogram {
public:
  histogram();

  /// Negative values count as 0.
  void add(std::int64_t value, std::uint64_t times = 1);
  void merge(const histogram& other);

  std::uint64_t count() const { return count_; }
  /// Sum of all values, exact.
  std::int64_t sum() const { return sum_; }
  /// nullopt while empty.
  std::optional<std::int64_t> least() const;
  std::optional<std::int64_t> most() const;

  /// Value of rank ceil(at * count), `at` in 1e-9, as the middle of its bucket; least and most are exact at 0 and 1.
  /// nullopt while empty. REQUIRES: at <= 1'000'000'000.
  std::optional<std::int64_t> quantile(std::uint32_t at) const;

private:
  static constexpr std::uint32_t fraction_bits = 7;
  static constexpr std::size_t buckets = (64 - fraction_bits + 1) << fraction_bits;

  static std::size_t bucket_of(std::uint64_t value);
  static std::int64_t middle_of(std::size_t bucket);

  std::unique_ptr<std::array<std::uint64_t, buckets>> counts_;
  std::uint64_t count_ = 0;
  std::int64_t sum_ = 0;
  std::int64_t least_ = INT64_MAX;
  std::int64_t most_ = 0;
};

} // namespace fairuse::sim
