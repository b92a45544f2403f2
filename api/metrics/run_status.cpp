// SPDX-License-Identifier: Apache-2.0

#include "api/metrics/run_status.hpp"

#include <mutex>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "api/metrics/engine_metrics.hpp"
#include "engine/process_figures.hpp"

namespace fairuse {

namespace {

constexpr std::int64_t local_alive_within_ms = 60'000;
/// As long as a member of the group may be silent (max.poll.interval.ms): a broker that is gone for less restarts
/// nobody.
constexpr std::int64_t kafka_alive_within_ms = 300'000;

} // namespace

struct run_status::body {
  body(stream_kind kind, setup wanted) : mode{kind}, with{std::move(wanted)} {
    beat.wait();
    metrics.show_with([this](shown_metrics& to) { show_all(to); });
  }

  void take(engine_figures now) {
    const std::lock_guard guard{mutex};
    // Those of Kafka mode come while a worker hangs, too, with the time at which it told of itself last.
    if (not last or last->at != now.at) beat.touch();
    last = std::move(now);
  }

  std::optional<engine_figures> figures() const {
    const std::lock_guard guard{mutex};
    return last;
  }

  void show_all(shown_metrics& to) const {
    to.gauge("fairuse_build_info", "1: this program runs, in this mode.", 1,
             {{"version", with.program}, {"mode", std::string{to_text(mode)}}});
    to.counter("process_cpu_seconds_total", "CPU time that the process has used.", cpu_seconds());
    to.gauge("process_resident_memory_bytes", "Memory that the process has now.", static_cast<double>(memory_bytes()));
    if (const auto now = figures()) show(*now, to);
    if (with.show) with.show(to);
  }

  std::vector<std::string> missing() const {
    std::vector<std::string> all;
    if (const auto now = figures()) all = missing_of(*now);
    if (not with.missing) return all;
    for (auto& each : with.missing())
      all.push_back(std::move(each));
    return all;
  }

  const stream_kind mode;
  const setup with;
  mutable std::mutex mutex;
  std::optional<engine_figures> last;
  process_metrics metrics;
  heartbeat beat;
  // Ends first.
  std::unique_ptr<status_listener> listener;
};

run_status::run_status(std::unique_ptr<body> all) : body_{std::move(all)} {}

run_status::~run_status() = default;

run_result<std::unique_ptr<run_status>> run_status::open(const deployment& settings, setup with) {
  auto all = std::make_unique<body>(settings.streams, std::move(with));
  const status_limits limits{.alive_within_ms = settings.streams == stream_kind::local ? local_alive_within_ms
                                                                                       : kafka_alive_within_ms};
  const auto missing = [of = all.get()] { return of->missing(); };
  auto started = status_listener::start(settings.api.status_listen, all->metrics, all->beat, limits, missing);
  if (not started) return run_error{run_fault::refused, started.error().message};
  all->listener = std::move(*started);
  all->with.log(log_level::info, fmt::format("/livez, /readyz and /metrics on port {}", all->listener->port()));
  return std::unique_ptr<run_status>{new run_status{std::move(all)}};
}

std::function<void(engine_figures)> run_status::figures() {
  return [of = body_.get()](engine_figures now) { of->take(std::move(now)); };
}

} // namespace fairuse
