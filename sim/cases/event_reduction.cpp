// SPDX-License-Identifier: Apache-2.0
#include "sim/cases/event_reduction.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/metering.hpp"

namespace fairuse::sim {

namespace {

/// Where an event's speech lies, united.
std::vector<spoken> parts_of(const event& what) {
  std::vector<spoken> all;
  if (what.detail != nullptr)
    unite(what, all);
  else if (what.ms > 0)
    all.push_back({what.time, what.time + what.ms});
  return all;
}

bool is_speech(const case_event& each) { return each.what.kind == event_kind::speech; }

class reducer {
public:
  reducer(user_traffic_parts from, event_arena& arena, const holds_of& still)
    : now_(std::move(from)), arena_(arena), still_(still) {}

  user_traffic_parts run() {
    // What is not needed at all first: it would keep others from being merged.
    drop(&user_traffic_parts::reviews);
    drop_other_kinds();
    merge();
    drop(&user_traffic_parts::events);
    drop(&user_traffic_parts::reviews);
    merge();
    for (std::size_t i = 0; i < now_.events.size(); ++i)
      if (is_speech(now_.events[i])) shorten(i);
    return std::move(now_);
  }

private:
  bool take(user_traffic_parts candidate) {
    if (not still_(candidate)) return false;
    now_ = std::move(candidate);
    return true;
  }

  template <class T>
  void drop(std::vector<T> user_traffic_parts::*of) {
    for (auto size = (now_.*of).size(); size > 0; size = size == 1 ? 0 : (size + 1) / 2)
      for (std::size_t at = 0; at < (now_.*of).size();) {
        auto candidate = now_;
        auto& all = candidate.*of;
        const auto first = all.begin() + static_cast<std::ptrdiff_t>(at);
        all.erase(first, first + static_cast<std::ptrdiff_t>(std::min(size, all.size() - at)));
        if (not take(std::move(candidate))) at += size;
      }
  }

  void drop_other_kinds() {
    auto candidate = now_;
    std::erase_if(candidate.events, [](const case_event& each) { return not is_speech(each); });
    take(std::move(candidate));
  }

  /// Runs of speech in [from, until) as one event each. Nullopt: there is nothing to merge.
  std::optional<user_traffic_parts> merged(std::size_t from, std::size_t until) {
    user_traffic_parts made;
    made.reviews = now_.reviews;
    const auto& all = now_.events;
    for (std::size_t i = 0; i < all.size();) {
      auto end = i + 1;
      if (i >= from and is_speech(all[i]))
        while (end < std::min(until, all.size()) and joins(all[i], all[end]))
          ++end;
      made.events.push_back(end == i + 1 ? all[i] : joined(i, end));
      i = end;
    }
    return made.events.size() == all.size() ? std::nullopt : std::optional(std::move(made));
  }

  // A recording lasts a day at most.
  static bool joins(const case_event& first, const case_event& next) {
    return is_speech(next) and next.what.from == first.what.from and next.what.instant >= first.what.time
           and next.what.time - first.what.time < day_ms - hour_ms and next.what.time >= first.what.time;
  }

  case_event joined(std::size_t first, std::size_t end) {
    std::vector<spoken> parts;
    for (auto i = first; i < end; ++i)
      for (const auto& each : parts_of(now_.events[i].what))
        parts.push_back(each);
    unite(parts);
    return with_parts(now_.events[end - 1], now_.events[first].what.time, parts);
  }

  case_event with_parts(case_event made, time_ms begin, const std::vector<spoken>& parts) {
    speech_segments spoken;
    for (const auto& each : parts)
      spoken.segments.push_back(
          {static_cast<std::uint32_t>(each.begin - begin), static_cast<std::uint32_t>(each.end - begin)});
    auto& what = made.what;
    what.time = what.instant = begin;
    what.ms = 0;
    what.detail = nullptr;
    if (spoken.segments.empty()) return made;
    what.instant = begin + spoken.segments.back().end_ms;
    what.detail = arena_.keep(std::move(spoken));
    return made;
  }

  void merge() {
    for (auto size = now_.events.size(); size > 1; size = (size + 1) / 2) {
      for (std::size_t at = 0; at < now_.events.size();) {
        auto candidate = merged(at, at + size);
        if (not candidate or not take(std::move(*candidate)))
          at += size;
        else
          ++at;
      }
      if (size == 2) break;
    }
  }

  // The speech of one event: without silence, then as little as it can be.
  void shorten(std::size_t index) {
    auto parts = parts_of(now_.events[index].what);
    std::int64_t sum = 0;
    for (const auto& each : parts)
      sum += each.end - each.begin;
    if (sum == 0) return;
    const auto begin = now_.events[index].what.time;
    const bool in_one_piece = put(index, begin, {{begin, begin + sum}});
    if (in_one_piece) parts = {{begin, begin + sum}};
    // Whole seconds, which people can read.
    std::int64_t too_few = -1;
    auto enough = sum / second_ms + 1;
    while (enough - too_few > 1) {
      const auto between = too_few + (enough - too_few) / 2;
      (put(index, begin, first_of(parts, between * second_ms)) ? enough : too_few) = between;
    }
  }

  bool put(std::size_t index, time_ms begin, const std::vector<spoken>& parts) {
    auto candidate = now_;
    candidate.events[index] = with_parts(candidate.events[index], begin, parts);
    return take(std::move(candidate));
  }

  static std::vector<spoken> first_of(const std::vector<spoken>& parts, std::int64_t ms) {
    std::vector<spoken> made;
    for (const auto& each : parts) {
      if (ms <= 0) break;
      made.push_back({each.begin, std::min(each.end, each.begin + ms)});
      ms -= made.back().end - made.back().begin;
    }
    return made;
  }

  user_traffic_parts now_;
  event_arena& arena_;
  const holds_of& still_;
};

} // namespace

user_traffic_parts reduce(user_traffic_parts from, event_arena& arena, const holds_of& still) {
  return reducer(std::move(from), arena, still).run();
}

} // namespace fairuse::sim
