// SPDX-License-Identifier: Apache-2.0
//
// What a process tells of itself by HTTP: /livez for what restarts it, /readyz for what waits for it, /metrics for
// Prometheus. A listener with a thread of its own, so that it answers while the process is busy, and says so when the
// process hangs. Bounded: few connections, short requests, a few seconds for each.
//
//   process_metrics metrics;
//   auto& sent = metrics.counter("fairuse_notifier_sent_total", "Notifications that were delivered.");
//   heartbeat beat;
//   const auto listener = status_listener::start("127.0.0.1:9464", metrics, beat);
//   while (...) { beat.touch(); sent.Increment(); }
//
// No label holds a user id.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include "api/shown_metrics.hpp"
#include "base/pure/result.hpp"

namespace fairuse {

/// The figures of one process. A counter or gauge is asked for once and held: it lives as long as this. Threads: any.
class process_metrics {
public:
  using labels = shown_metrics::labels;

  /// Only grows; its name ends in `_total`.
  prometheus::Counter& counter(const std::string& name, const std::string& help, const labels& of = {});
  prometheus::Gauge& gauge(const std::string& name, const std::string& help, const labels& of = {});
  /// Figures that are counted elsewhere: `show` is called, on the listener's thread, whenever somebody asks.
  void show_with(std::function<void(shown_metrics&)> show);
  /// Prometheus' text format.
  std::string text() const;

private:
  prometheus::Registry registry_;
  mutable std::mutex mutex_;
  std::vector<std::function<void(shown_metrics&)>> shown_with_;
};

/// When the main loop last turned. Threads: any.
class heartbeat {
public:
  heartbeat() { touch(); }
  void touch();
  /// The loop has not begun until touch(), and however long that takes is fine.
  void wait() { at_ms_ = not_begun; }
  bool has_begun() const { return at_ms_ != not_begun; }
  /// REQUIRES: has_begun().
  std::int64_t age_ms() const;

private:
  static constexpr std::int64_t not_begun = INT64_MAX;
  std::atomic<std::int64_t> at_ms_{0};
};

/// What is missing, a sentence each, until the process does its work; empty: it is ready. No sentence names a user.
using readiness = std::function<std::vector<std::string>()>;

struct status_limits {
  /// /livez answers 503 when the heartbeat is older.
  std::int64_t alive_within_ms = 60'000;
  /// For a request and its answer.
  std::int64_t connection_ms = 5'000;
  /// When one more comes, the oldest is closed.
  std::size_t connections_max = 32;
};

class status_listener {
public:
  /// `listen`: address:port, as 127.0.0.1:9464 or [::]:9464; port 0 is any. `missing` is called by its thread, once
  /// the loop has begun; empty: nothing is. REQUIRES: metrics and beat outlive it.
  static result<std::unique_ptr<status_listener>> start(const std::string& listen, const process_metrics& metrics,
                                                        const heartbeat& beat, const status_limits& limits = {},
                                                        readiness missing = {});
  /// Closes what is open.
  ~status_listener();
  status_listener(const status_listener&) = delete;
  status_listener& operator=(const status_listener&) = delete;

  std::uint16_t port() const;

private:
  struct body;
  explicit status_listener(std::unique_ptr<body> all);
  std::unique_ptr<body> body_;
};

} // namespace fairuse
