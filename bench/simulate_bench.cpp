// SPDX-License-Identifier: Apache-2.0
//
// A month through the real shard and user actors, with all rules: replayed from memory (one to ten policies of one
// metering profile), and simulated completely (draws, answers, digests and counts included). Items are events.
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "config/policy_file.hpp"
#include "config/presets.hpp"
#include "sim/laboratory.hpp"
#include "sim/population_file.hpp"
#include "sim/simulated_users.hpp"

namespace {

using namespace fairuse;
using namespace fairuse::sim;

constexpr std::uint32_t users = 2'000;
constexpr std::uint32_t days = 30;

policy shipped(std::string_view name) {
  yaml::diagnostics problems{std::string(name)};
  return *parse_policy(*preset_text(name), problems);
}

/// `copies` policies of one metering profile, each with caps of its own.
std::vector<policy> similar(int copies) {
  std::vector<policy> all{shipped("fair")};
  for (int i = 1; i < copies; ++i) {
    auto next = all.front();
    next.name = "fair" + std::to_string(i);
    for (auto& window : next.windows)
      window.cap_ms += i * 10 * minute_ms;
    stamp_digest(next);
    all.push_back(std::move(next));
  }
  return all;
}

std::filesystem::path experiments() {
  const char* folder = std::getenv("FAIRUSE_SOURCE_DIR");
  return std::filesystem::path(folder != nullptr ? folder : ".") / "config/experiments";
}

experiment month(std::vector<policy> policies) {
  experiment what;
  yaml::diagnostics problems{"experiments"};
  auto people = load_population(experiments() / "population.yaml", problems);
  auto reviewer = load_reviewer(experiments() / "reviewer.yaml", nullptr, problems);
  if (not people or not reviewer) {
    std::fputs((problems.text() + "run it in the repository, or set FAIRUSE_SOURCE_DIR\n").c_str(), stderr);
    std::exit(2);
  }
  what.people = std::move(*people);
  what.reviewer = std::move(*reviewer);
  what.users = users;
  what.days = days;
  what.policies = std::move(policies);
  return what;
}

/// The month of all users in flat arrays.
class recorded_month {
public:
  recorded_month(const experiment& what, const run_rules& rules) : users_(what.users) {
    const composition people(what.people, what.seed);
    synthetic_feed writer(people, what.days, rules.in_force, rules.end);
    for (std::uint32_t user = 0; user < what.users; ++user)
      writer.fill(user, users_[user]);
  }

  class feed final : public traffic_feed {
  public:
    explicit feed(const recorded_month& from) : from_(from) {}
    void fill(std::uint32_t user, simulated_user& out) override {
      const auto& recorded = from_.users_[user];
      out.uid = recorded.uid;
      out.group = recorded.group;
      out.steps = recorded.steps;
      out.run = recorded.run;
    }

  private:
    const recorded_month& from_;
  };

private:
  std::vector<simulated_user> users_;
};

laboratory_options with(benchmark::State& state) {
  laboratory_options how;
  how.workers = static_cast<unsigned>(state.range(1));
  return how;
}

void replay_month(benchmark::State& state) {
  const auto what = month(similar(static_cast<int>(state.range(0))));
  const run_rules rules(what);
  const recorded_month recorded(what, rules);
  std::int64_t events = 0;
  for (auto _ : state) {
    const auto result =
        run_experiment(rules, with(state), [&] { return std::make_unique<recorded_month::feed>(recorded); });
    events += static_cast<std::int64_t>(result.tally.events);
  }
  state.SetItemsProcessed(events);
}
BENCHMARK(replay_month)
    ->ArgNames({"policies", "workers"})
    ->ArgsProduct({{1, 2, 10}, {1, 2}})
    ->UseRealTime()
    ->MeasureProcessCPUTime()
    ->Unit(benchmark::kMillisecond);

void simulate_month(benchmark::State& state) {
  const bool presets = state.range(0) == 3;
  const auto what =
      month(presets ? std::vector<policy>{shipped("fair"), shipped("omi-2026-03"), shipped("omi-newest")} : similar(1));
  std::int64_t events = 0;
  for (auto _ : state)
    events += static_cast<std::int64_t>(run_experiment(what, with(state)).tally.events);
  state.SetItemsProcessed(events);
}
BENCHMARK(simulate_month)
    ->ArgNames({"presets", "workers"})
    ->ArgsProduct({{1, 3}, {1, 2}})
    ->UseRealTime()
    ->MeasureProcessCPUTime()
    ->Unit(benchmark::kMillisecond);

} // namespace

BENCHMARK_MAIN();
