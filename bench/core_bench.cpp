// SPDX-License-Identifier: Apache-2.0
//
// Time of one speech event in core: three windows, a search for duplicates, one to ten policies, few and many ids a
// day; as a baseline, the bare loop over arrays that three windows need. And the memory of a user.
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "config/policy_file.hpp"
#include "config/presets.hpp"
#include "core/rules.hpp"

namespace {

using namespace fairuse;

constexpr time_ms month_begin = 1'772'323'200'000; // 2026-03-01

policy shipped(std::string_view name) {
  yaml::diagnostics problems{std::string(name)};
  return *parse_policy(*preset_text(name), problems);
}

/// `copies` policies of one metering profile, each with caps of its own.
std::shared_ptr<const policy_set> policies(int copies) {
  const auto live = shipped("fair");
  std::vector<policy> shadows;
  for (int i = 1; i < copies; ++i) {
    auto shadow = live;
    shadow.name = "shadow" + std::to_string(i);
    for (auto& window : shadow.windows)
      window.cap_ms += i * 10 * minute_ms;
    stamp_digest(shadow);
    shadows.push_back(shadow);
  }
  return policy_set::make(live, shadows);
}

/// A user who speaks `minutes` a day, a minute an event, for `days`.
std::vector<event> traffic(int minutes, int days) {
  std::vector<event> events;
  for (int day = 0; day < days; ++day)
    for (int minute = 0; minute < minutes; ++minute) {
      event spoken;
      spoken.time = spoken.instant = month_begin + day * day_ms + 9 * hour_ms + minute * minute_ms + minute * 17;
      spoken.ms = 48'000 + (minute * 37) % 12'000;
      spoken.key = (events.size() + 1) * 0x9e3779b97f4a7c15ULL;
      events.push_back(spoken);
    }
  return events;
}

void run(user& who, const controls& in_force, const std::vector<event>& events, step_output& out) {
  for (const auto& each : events) {
    advance(who, in_force, each.instant, out);
    apply(who, in_force, each.instant, each, horizon_wall_ms, out);
  }
}

/// Every iteration is a new user who has all events.
void measure(benchmark::State& state, const policy_set& set, const std::vector<event>& events) {
  const controls in_force{true, false, &set};
  step_output out;
  for (auto _ : state) {
    user who;
    run(who, in_force, events, out);
    out.clear();
    benchmark::DoNotOptimize(who.next_due);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(events.size()));
}

void apply_speech(benchmark::State& state) {
  const auto set = policies(static_cast<int>(state.range(0)));
  const auto events = traffic(static_cast<int>(state.range(1)), 30);
  measure(state, *set, events);
}
BENCHMARK(apply_speech)->ArgNames({"policies", "minutes"})->ArgsProduct({{1, 2, 10}, {13, 30, 120}});

/// The search for duplicates, where it costs most: `ids` events a day, evenly spread, one policy, three days.
void apply_ids(benchmark::State& state) {
  const auto set = policies(1);
  const auto apart = day_ms / state.range(0);
  std::vector<event> events;
  for (time_ms at = month_begin; at < month_begin + 3 * day_ms; at += apart) {
    event spoken;
    spoken.time = spoken.instant = at;
    spoken.ms = 50;
    spoken.key = (events.size() + 1) * 0x9e3779b97f4a7c15ULL;
    events.push_back(spoken);
  }
  measure(state, *set, events);
}
BENCHMARK(apply_ids)->ArgName("ids")->Arg(10)->Arg(1'000)->Arg(86'400);

/// The baseline: three sums over an array of minutes, one tail each, nothing else.
void bare_windows(benchmark::State& state) {
  const auto events = traffic(30, 30);
  for (auto _ : state) {
    std::int64_t sums[3] = {0, 0, 0};
    std::size_t tails[3] = {0, 0, 0};
    constexpr time_ms spans[3] = {day_ms, 3 * day_ms, 7 * day_ms};
    for (const auto& e : events)
      for (int w = 0; w < 3; ++w) {
        sums[w] += e.ms;
        while (events[tails[w]].instant < e.instant - spans[w])
          sums[w] -= events[tails[w]++].ms;
        benchmark::DoNotOptimize(sums[w]);
      }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(events.size()));
}
BENCHMARK(bare_windows);

/// Bytes of a user's core state after 30 days with 8 kept (counter bytes_per_user).
void user_memory(benchmark::State& state) {
  const auto set = policies(1);
  const controls in_force{true, false, set.get()};
  const auto events = traffic(static_cast<int>(state.range(0)), 30);
  std::size_t bytes = 0;
  step_output out;
  for (auto _ : state) {
    user who;
    run(who, in_force, events, out);
    bytes = who.memory_bytes();
  }
  state.counters["bytes_per_user"] = static_cast<double>(bytes);
}
BENCHMARK(user_memory)->ArgName("minutes")->Arg(13)->Arg(30)->Arg(120);

} // namespace

BENCHMARK_MAIN();
