// SPDX-License-Identifier: Apache-2.0

#include "sim/statistics.hpp"

#include <algorithm>
#include <bit>

#include <boost/math/distributions/binomial.hpp>

namespace fairuse::sim {

using boost::math::binomial_distribution;

interval clopper_pearson(std::uint64_t hits, std::uint64_t trials, double confidence) {
  if (trials == 0) return {};
  const auto n = static_cast<double>(trials);
  const auto k = static_cast<double>(hits);
  const double tail = (1 - confidence) / 2;
  return {hits == 0 ? 0 : binomial_distribution<>::find_lower_bound_on_p(n, k, tail),
          hits == trials ? 1 : binomial_distribution<>::find_upper_bound_on_p(n, k, tail)};
}

double mcnemar(std::uint64_t only_first, std::uint64_t only_second) {
  const std::uint64_t disagreements = only_first + only_second;
  if (disagreements == 0) return 1;
  const binomial_distribution<> under_equality(static_cast<double>(disagreements), 0.5);
  return std::min(1.0, 2 * boost::math::cdf(under_equality, static_cast<double>(std::min(only_first, only_second))));
}

evidence compare(std::uint64_t hits, std::uint64_t trials, double bound, double confidence) {
  const interval of = clopper_pearson(hits, trials, confidence);
  if (of.upper < bound) return evidence::below;
  return of.lower >= bound ? evidence::above : evidence::not_enough;
}

std::uint64_t trials_needed(double bound, std::uint64_t hits, double confidence) {
  std::uint64_t fewest = hits;
  std::uint64_t enough = hits + 1;
  while (compare(hits, enough, bound, confidence) != evidence::below) {
    fewest = enough;
    enough *= 2;
  }
  while (enough - fewest > 1) {
    const std::uint64_t middle = fewest + (enough - fewest) / 2;
    (compare(hits, middle, bound, confidence) == evidence::below ? enough : fewest) = middle;
  }
  return enough;
}

histogram::histogram() : counts_(std::make_unique<std::array<std::uint64_t, buckets>>()) {}

std::size_t histogram::bucket_of(std::uint64_t value) {
  if (value < std::uint64_t{2} << fraction_bits) return value;
  // The leading bit and the next seven bits: 128 buckets for each power of two.
  const auto shift = static_cast<std::uint32_t>(std::bit_width(value)) - fraction_bits - 1;
  return (std::size_t{shift} << fraction_bits) + (value >> shift);
}

std::int64_t histogram::middle_of(std::size_t bucket) {
  if (bucket < std::size_t{2} << fraction_bits) return static_cast<std::int64_t>(bucket);
  const std::size_t shift = (bucket >> fraction_bits) - 1;
  const std::uint64_t first = (bucket - (shift << fraction_bits)) << shift;
  return static_cast<std::int64_t>(first + ((std::uint64_t{1} << shift) - 1) / 2);
}

void histogram::add(std::int64_t value, std::uint64_t times) {
  if (times == 0) return;
  value = std::max<std::int64_t>(value, 0);
  (*counts_)[bucket_of(static_cast<std::uint64_t>(value))] += times;
  count_ += times;
  sum_ += value * static_cast<std::int64_t>(times);
  least_ = std::min(least_, value);
  most_ = std::max(most_, value);
}

void histogram::merge(const histogram& other) {
  for (std::size_t i = 0; i < buckets; ++i)
    (*counts_)[i] += (*other.counts_)[i];
  count_ += other.count_;
  sum_ += other.sum_;
  least_ = std::min(least_, other.least_);
  most_ = std::max(most_, other.most_);
}

std::optional<std::int64_t> histogram::least() const { return count_ == 0 ? std::nullopt : std::optional(least_); }

std::optional<std::int64_t> histogram::most() const { return count_ == 0 ? std::nullopt : std::optional(most_); }

std::optional<std::int64_t> histogram::quantile(std::uint32_t at) const {
  if (count_ == 0) return std::nullopt;
  constexpr std::uint64_t unit = 1'000'000'000;
  // ceil(at * count / 1e9) without leaving 64 bits.
  const std::uint64_t rank = std::max<std::uint64_t>(1, count_ / unit * at + (count_ % unit * at + unit - 1) / unit);
  if (rank == count_) return most_;
  if (rank == 1) return least_;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    seen += (*counts_)[i];
    if (seen >= rank) return std::clamp(middle_of(i), least_, most_);
  }
  return most_;
}

} // namespace fairuse::sim
