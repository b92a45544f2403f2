// SPDX-License-Identifier: Apache-2.0
//
// Figures at one moment, for Prometheus: made anew each time somebody asks, so a figure whose partition or policy is
// gone is gone, too. Names end in their unit, those of counters in `_total`; no label holds a user id, and what a label
// may be is bounded by the deployment.
//
//   shown_metrics shown;
//   shown.counter("fairuse_epochs_total", "Epochs that were decided.", 7);
//   shown.gauge("fairuse_lag_records", "Records that wait.", 12, {{"partition", "3"}});
//
// Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>

namespace fairuse {

class shown_metrics {
public:
  using labels = std::map<std::string, std::string>;

  void counter(const std::string& name, const std::string& help, double value, const labels& of = {});
  void gauge(const std::string& name, const std::string& help, double value, const labels& of = {});
  /// `counts`: of each bound those between it and the one before it, and last those above all.
  void histogram(const std::string& name, const std::string& help, std::span<const double> bounds,
                 std::span<const std::uint64_t> counts, double sum);
  /// In the order of their first mention.
  std::vector<prometheus::MetricFamily> take() { return std::move(families_); }

private:
  prometheus::ClientMetric& add(const std::string& name, const std::string& help, prometheus::MetricType type,
                                const labels& of);

  std::vector<prometheus::MetricFamily> families_;
};

} // namespace fairuse
