// SPDX-License-Identifier: Apache-2.0

#include "sim/traffic_feed.hpp"

namespace fairuse::sim {

synthetic_feed::synthetic_feed(const composition& of, std::uint32_t days, const controls& in_force, time_ms end)
  : writer_(of, days), in_force_(&in_force), end_(end) {}

void synthetic_feed::fill(std::uint32_t user, simulated_user& out) {
  writer_.write(user, out.traffic);
  out.uid = uid_of(user);
  out.group = out.traffic.traits.cohort;
  auto arrivals = std::span<const arrival>(out.traffic.arrivals);
  while (not arrivals.empty() and arrivals.back().at > end_)
    arrivals = arrivals.first(arrivals.size() - 1);
  out.step_buffer.resize(arrivals.size() + 1);
  out.event_buffer.resize(arrivals.size());
  for (std::size_t i = 0; i < arrivals.size(); ++i) {
    out.step_buffer[i] = {arrivals[i].at, in_force_, static_cast<std::uint32_t>(i), 1};
    out.event_buffer[i] = arrivals[i].what;
  }
  out.step_buffer.back() = {end_, in_force_, static_cast<std::uint32_t>(arrivals.size()), 0};
  out.steps = out.step_buffer;
  out.events = out.event_buffer;
}

} // namespace fairuse::sim
