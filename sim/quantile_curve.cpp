// SPDX-License-Identifier: Apache-2.0

#include "sim/quantile_curve.hpp"

#include <bit>
#include <utility>

namespace fairuse::sim {

namespace {

constexpr std::int64_t value_max = 2'000'000'000;

/// Fill (first, last) of `values` with geometric means, halving until neighbours meet. If one end is zero, the
/// mean is arithmetic: the geometric mean would be zero everywhere.
void fill_between(std::vector<std::int64_t>& values, std::size_t first, std::size_t last) {
  if (last - first < 2) return;
  const std::size_t middle = first + (last - first) / 2;
  const std::int64_t low = values[first];
  const std::int64_t high = values[last];
  values[middle] = low == 0 ? high / 2
                            : static_cast<std::int64_t>(integer_square_root(static_cast<std::uint64_t>(low)
                                                                            * static_cast<std::uint64_t>(high)));
  fill_between(values, first, middle);
  fill_between(values, middle, last);
}

} // namespace

std::uint64_t integer_square_root(std::uint64_t value) {
  if (value < 2) return value;
  // Newton from above: the start is at or above the root, and every iteration comes closer until it is reached.
  std::uint64_t root = std::uint64_t{1} << ((std::bit_width(value) + 1) / 2);
  while (true) {
    const std::uint64_t next = (root + value / root) / 2;
    if (next >= root) return root;
    root = next;
  }
}

quantile_curve::quantile_curve() : quantile_curve({{0, 0}, {whole, 0}}) {}

quantile_curve::quantile_curve(std::vector<quantile_knot> knots) : knots_(std::move(knots)) {
  values_.resize((knots_.size() - 1) * values_per_segment + 1);
  for (std::size_t i = 0; i < knots_.size(); ++i)
    values_[i * values_per_segment] = knots_[i].value;
  for (std::size_t i = 0; i + 1 < knots_.size(); ++i)
    fill_between(values_, i * values_per_segment, (i + 1) * values_per_segment);
}

result<void> quantile_curve::check(const std::vector<quantile_knot>& knots) {
  if (knots.size() < 2 || knots.front().at != 0 || knots.back().at != whole)
    return error{"a quantile curve starts at 0 % and ends at 100 %"};
  for (std::size_t i = 0; i < knots.size(); ++i) {
    if (knots[i].value < 0 || knots[i].value > value_max) return error{"a value of a quantile curve is out of range"};
    if (i > 0 && knots[i].at <= knots[i - 1].at) return error{"the quantiles of a curve must rise"};
    if (i > 0 && knots[i].value < knots[i - 1].value) return error{"the values of a quantile curve must not fall"};
  }
  return {};
}

std::int64_t quantile_curve::at(ppb at) const {
  std::size_t segment = 0;
  while (segment + 2 < knots_.size() && at >= knots_[segment + 1].at)
    ++segment;
  const std::uint64_t width = knots_[segment + 1].at - knots_[segment].at;
  const std::uint64_t scaled = std::uint64_t{at - knots_[segment].at} * values_per_segment;
  const std::size_t before = segment * values_per_segment + scaled / width;
  if (before + 1 >= values_.size()) return values_.back();
  const auto rest = static_cast<std::int64_t>(scaled % width);
  return values_[before] + (values_[before + 1] - values_[before]) * rest / static_cast<std::int64_t>(width);
}

} // namespace fairuse::sim
