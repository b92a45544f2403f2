// SPDX-License-Identifier: Apache-2.0
//
// Writes NDJSON traffic for whole-process measurements: users who speak in sessions by day, one event a minute of
// session with its raw voice segments, in the order in which the minutes end. Fast and repeatable, not realistic: for
// realistic traffic use `fairuse simulate`.
//
//   make_traffic USERS EVENTS [SEED] > events.ndjson

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/splitmix.hpp"
#include "events/event.hpp"
#include "events/wire.hpp"

namespace {

using namespace fairuse;
using bench::splitmix;

constexpr time_ms start = 1'767'225'600'000; // 2026-01-01T00:00:00Z

struct speaker {
  std::string uid;
  /// Chance a minute, in 1e-4, that a session begins by day.
  std::uint64_t eagerness;
  std::uint64_t minutes_left;
};

struct due_event {
  time_ms at;
  std::uint32_t speaker;
};

/// About 40 s of speech in a minute, as a voice-activity detector reports it.
speech_segments draw_segments(splitmix& draw) {
  speech_segments made;
  std::uint32_t at = 0;
  while (true) {
    at += static_cast<std::uint32_t>(500 + draw.below(4'000));
    const auto end = at + static_cast<std::uint32_t>(1'000 + draw.below(9'000));
    if (end >= 60'000) return made;
    made.segments.push_back({at, end});
    at = end;
  }
}

void print_event(std::string& line, const speaker& who, time_ms at, std::uint64_t number, splitmix& draw) {
  event_arena arena;
  event what{.time = at, .kind = event_kind::speech, .from = lane::realtime};
  auto segments = draw_segments(draw);
  what.instant = at + (segments.segments.empty() ? 0 : segments.segments.back().end_ms);
  what.detail = arena.keep(event_detail{std::move(segments)});
  what.text = arena.keep("bench/listener", "session-" + std::to_string(number / 16) + "-" + std::to_string(number));
  line.clear();
  append_event(line, who.uid, what);
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stdout);
}

int write_traffic(std::uint64_t users, std::uint64_t events, std::uint64_t seed) {
  splitmix draw{seed};
  std::vector<speaker> people;
  for (std::uint64_t i = 0; i < users; ++i)
    // One in twenty speaks ten times as much.
    people.push_back({"user-" + std::to_string(i), i % 20 == 0 ? 200U : 20U, 0});
  std::vector<due_event> minute;
  std::string line;
  std::uint64_t written = 0;
  for (time_ms now = start; written < events; now += minute_ms) {
    const auto hour = now / hour_ms % 24;
    minute.clear();
    for (std::uint32_t i = 0; i < people.size(); ++i) {
      auto& who = people[i];
      if (who.minutes_left == 0 and hour >= 7 and hour < 22 and draw.below(10'000) < who.eagerness)
        who.minutes_left = 5 + draw.below(40);
      if (who.minutes_left == 0) continue;
      --who.minutes_left;
      minute.push_back({now + static_cast<time_ms>(draw.below(60'000)), i});
    }
    std::sort(minute.begin(), minute.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
    for (const auto& each : minute) {
      if (written == events) break;
      print_event(line, people[each.speaker], each.at, written, draw);
      ++written;
    }
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: make_traffic USERS EVENTS [SEED]\n", stderr);
    return 2;
  }
  return write_traffic(std::strtoull(argv[1], nullptr, 10), std::strtoull(argv[2], nullptr, 10),
                       argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1);
}
