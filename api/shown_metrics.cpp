// SPDX-License-Identifier: Apache-2.0

#include "api/shown_metrics.hpp"

#include <algorithm>
#include <limits>

namespace fairuse {

void shown_metrics::counter(const std::string& name, const std::string& help, double value, const labels& of) {
  add(name, help, prometheus::MetricType::Counter, of).counter.value = value;
}

void shown_metrics::gauge(const std::string& name, const std::string& help, double value, const labels& of) {
  add(name, help, prometheus::MetricType::Gauge, of).gauge.value = value;
}

void shown_metrics::histogram(const std::string& name, const std::string& help, std::span<const double> bounds,
                              std::span<const std::uint64_t> counts, double sum) {
  auto& made = add(name, help, prometheus::MetricType::Histogram, {}).histogram;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    made.sample_count += counts[i];
    const auto bound = i < bounds.size() ? bounds[i] : std::numeric_limits<double>::infinity();
    made.bucket.push_back({made.sample_count, bound});
  }
  made.sample_sum = sum;
}

prometheus::ClientMetric& shown_metrics::add(const std::string& name, const std::string& help,
                                             prometheus::MetricType type, const labels& of) {
  auto found = std::find_if(families_.begin(), families_.end(), [&](const auto& each) { return each.name == name; });
  if (found == families_.end()) found = families_.insert(found, {name, help, type, {}});
  auto& made = found->metric.emplace_back();
  for (const auto& [label, value] : of)
    made.label.push_back({label, value});
  return made;
}

} // namespace fairuse
