// SPDX-License-Identifier: Apache-2.0

#include "api/service/service_metrics.hpp"

#include <algorithm>
#include <string>

#include "engine/clocks.hpp"

namespace fairuse {

void show(const gate_view& from, bool is_local, shown_metrics& to) {
  const auto caught_up_at = from.caught_up_at();
  // Before that there is no age: all answers are degraded.
  if (caught_up_at != INT64_MIN) {
    const auto age_ms = is_local ? 0 : std::max<std::int64_t>(0, steady_clock_ms() - caught_up_at);
    to.gauge("fairuse_gate_view_age_seconds", "Since all that was committed was in the gate's view.",
             static_cast<double>(age_ms) / 1e3);
  }
  to.gauge("fairuse_gate_view_users", "Users who have a row in the gate's view.", static_cast<double>(from.rows()));
  to.gauge("fairuse_gate_view_bytes", "Memory of the gate's view.", static_cast<double>(from.memory_bytes()));
}

void show(const lease_counts& from, shown_metrics& to) {
  const auto counter = [&to](const std::string& change, std::uint64_t value) {
    to.counter("fairuse_leases_total", "What became of leases on budgets.", static_cast<double>(value),
               {{"change", change}});
  };
  counter("granted", from.granted);
  counter("renewed", from.renewed);
  counter("ended", from.ended);
  counter("lapsed", from.lapsed);
  counter("reserved", from.reserved);
  to.gauge("fairuse_leases_open", "Leases now.", static_cast<double>(from.open));
}

void show(const http_counters& from, shown_metrics& to) {
  const auto counter = [&to](const std::string& name, const std::string& help, const http_counters::count& value,
                             const shown_metrics::labels& of = {}) {
    to.counter(name, help, static_cast<double>(value.load()), of);
  };
  for (std::size_t i = 1; i < from.answers.size(); ++i)
    counter("fairuse_http_answers_total", "Answers of the API, by the first digit of their status.", from.answers[i],
            {{"status", std::to_string(i) + "xx"}});
  counter("fairuse_http_requests_refused_total", "Of them, to what was malformed, too large or too slow.",
          from.requests_refused);
  counter("fairuse_http_failures_total", "Requests that met a fault of the server.", from.handler_failures);
  counter("fairuse_http_connections_total", "Connections that were taken.", from.connections);
  counter("fairuse_http_connections_displaced_total", "Idle connections that were closed to make room.",
          from.connections_displaced);
  counter("fairuse_http_connections_refused_total", "Connections that got 503, because there was no room.",
          from.connections_refused);
  to.gauge("fairuse_http_connections_open", "Connections now.", static_cast<double>(from.connections_open.load()));
}

} // namespace fairuse
