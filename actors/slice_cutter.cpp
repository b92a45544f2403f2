// SPDX-License-Identifier: Apache-2.0
#include "actors/slice_cutter.hpp"

#include <algorithm>

#include "base/pure/text.hpp"

namespace fairuse {

namespace {

/// How many characters all uids begin with.
std::size_t common_prefix(std::span<const addressed_event> events) {
  auto shared = events.empty() ? std::string_view() : events.front().uid;
  for (const auto& each : events) {
    if (shared.empty()) break;
    if (each.uid.starts_with(shared)) continue;
    const auto differs = std::mismatch(shared.begin(), shared.end(), each.uid.begin(), each.uid.end()).first;
    shared = shared.substr(0, static_cast<std::size_t>(differs - shared.begin()));
  }
  return shared.size();
}

} // namespace

// Nearly every comparison is decided by the characters behind the common prefix, without reading the uids.
void slice_cutter::sort_events(const epoch& sealed) {
  order_.clear();
  events_.clear();
  const auto shared = common_prefix(sealed.events);
  for (const auto& each : sealed.events)
    order_.push_back({leading_number(each.uid.substr(shared)), &each});
  std::sort(order_.begin(), order_.end(), [](const place_in_order& left, const place_in_order& right) {
    if (left.uid_start != right.uid_start) return left.uid_start < right.uid_start;
    if (const auto uids = left.what->uid.compare(right.what->uid); uids != 0) return uids < 0;
    if (before(left.what->what, right.what->what)) return true;
    // Equal keys are duplicates of each other; the place in the input decides, so every run has the same order.
    return not before(right.what->what, left.what->what) and left.what < right.what;
  });
  for (const auto& each : order_)
    events_.push_back(each.what->what);
}

void slice_cutter::cut_user(std::string_view uid, std::size_t first, std::size_t count,
                            std::span<const controls_period> periods, time_ms previous_now, time_ms now) {
  cut_place place{uid, first, count, steps_.size(), 0};
  const auto* events = events_.data() + first;
  auto reached = previous_now;
  for (std::size_t i = 1; i < periods.size(); ++i) {
    // Timers due before the command's instant fire under the controls that were in force until then.
    const auto until = std::min(periods[i].begin->instant - 1, now);
    if (until > reached) {
      steps_.push_back({until, periods[i - 1].in_force, 0, 0});
      reached = until;
    }
  }
  // A user is bound to promoted policies once, and what only the old ones needed is dropped then. So events before the
  // promotion fire the timers, too.
  const bool moves = periods.back().in_force->policies != periods.front().in_force->policies;
  const bool events_first = moves and count > 0;
  if (periods.size() > 1 and not events_first) steps_.push_back({now, periods.back().in_force, 0, 0});
  std::size_t taken = 0;
  for (std::size_t i = 0; i < periods.size(); ++i) {
    auto end = count;
    if (i + 1 < periods.size()) {
      const auto* next = periods[i + 1].begin;
      end = static_cast<std::size_t>(
          std::partition_point(events + taken, events + count, [next](const event& e) { return before(e, *next); })
          - events);
    }
    if (end > taken or (periods.size() == 1))
      steps_.push_back(
          {now, periods[i].in_force, static_cast<std::uint32_t>(taken), static_cast<std::uint32_t>(end - taken)});
    taken = end;
  }
  if (events_first and steps_.back().in_force != periods.back().in_force)
    steps_.push_back({now, periods.back().in_force, static_cast<std::uint32_t>(count), 0});
  place.step_count = steps_.size() - place.first_step;
  places_.push_back(place);
}

std::span<slice> slice_cutter::cut(const epoch& sealed, std::span<const controls_period> periods,
                                   std::span<const std::string_view> due, time_ms previous_now) {
  sort_events(sealed);
  steps_.clear();
  places_.clear();
  slices_.clear();
  std::size_t next = 0;
  auto waiting = due.begin();
  const auto idle_before = [&](std::string_view uid) {
    for (; waiting != due.end() and *waiting < uid; ++waiting)
      cut_user(*waiting, next, 0, periods, previous_now, sealed.now);
    if (waiting != due.end() and *waiting == uid) ++waiting;
  };
  while (next < order_.size()) {
    const auto uid = order_[next].what->uid;
    auto end = next + 1;
    while (end < order_.size() and order_[end].what->uid == uid)
      ++end;
    idle_before(uid);
    cut_user(uid, next, end - next, periods, previous_now, sealed.now);
    next = end;
  }
  for (; waiting != due.end(); ++waiting)
    cut_user(*waiting, next, 0, periods, previous_now, sealed.now);
  for (const auto& each : places_)
    slices_.push_back({each.uid,
                       {steps_.data() + each.first_step, each.step_count},
                       {events_.data() + each.first_event, each.event_count},
                       {}});
  return slices_;
}

} // namespace fairuse
