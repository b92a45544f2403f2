// SPDX-License-Identifier: Apache-2.0
//
// Costs of a user in the store: bytes on disk at 30 minutes of speech a day, time to write a touched user, time to read
// an absent one.
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <unistd.h>

#include "base/system/scratch_folder.hpp"
#include "bench/splitmix.hpp"
#include "core/rules.hpp"
#include "storage/local_store.hpp"

namespace {

using namespace fairuse;
using bench::mix;

constexpr time_ms start = 1'700'000'000'000 / day_ms * day_ms;
constexpr int users = 10'000;
constexpr int days = 8;
constexpr int events_a_day = 30;

std::shared_ptr<const policy_set> make_policies() {
  policy live;
  live.name = "fair";
  live.windows = {
      {"daily", day_ms, 2 * hour_ms}, {"3day", 3 * day_ms, 8 * hour_ms}, {"weekly", 7 * day_ms, 10 * hour_ms}};
  policy shadow = live;
  shadow.name = "other";
  return policy_set::make(live, {shadow});
}

std::string uid_of(int user) {
  // As long as the ids of an identity provider.
  auto uid = std::to_string(mix(static_cast<std::uint64_t>(user) + 1));
  return uid.append(28 - uid.size(), 'x');
}

struct scratch {
  scratch() {
    if (folder.empty()) std::abort();
    options.case_key = "a key for benchmarks";
    open();
  }
  void open() {
    store.reset();
    auto opened = local_store::open(folder, options);
    if (not opened.has_value()) std::abort();
    store = std::move(*opened);
  }
  void commit(time_ms now) {
    store->add_epoch(store->meta().epoch + 1, now, 0);
    if (not store->commit().has_value()) std::abort();
  }
  /// Of tables only: the write-ahead log is bounded by the write buffer, however many users there are.
  std::uint64_t bytes() const {
    std::uint64_t all = 0;
    for (const auto& file : std::filesystem::recursive_directory_iterator(folder))
      if (file.path().extension() == ".sst") all += file.file_size();
    return all;
  }
  scratch_folder root{std::filesystem::temp_directory_path(), "fairuse-bench"};
  std::filesystem::path folder = root.path();
  store_options options;
  std::unique_ptr<local_store> store;
};

/// Sessions of ten minutes, three a day, one event a minute; some seconds of each minute are silent.
event speech_of(int user, int day, int spoken_minute) {
  const auto number = static_cast<std::uint64_t>(user) * days + static_cast<std::uint64_t>(day);
  const auto minute = static_cast<std::uint64_t>(spoken_minute);
  const auto drawn = mix(number * events_a_day + minute);
  const auto session = mix(number * 3 + minute / 10) % (7 * hour_ms);
  event made;
  made.time = made.instant = start + day * day_ms + (spoken_minute / 10) * 8 * hour_ms + static_cast<time_ms>(session)
                             + spoken_minute % 10 * minute_ms;
  made.key = mix(drawn);
  made.ms = static_cast<std::int32_t>(20'000 + drawn % 40'001);
  return made;
}

struct filled : scratch {
  filled() {
    const controls in_force{true, false, policies.get()};
    step_output out;
    for (int i = 0; i < users; ++i) {
      const auto uid = uid_of(i);
      const std::string_view names[] = {uid};
      all.push_back(std::move(store->load(names, *policies, start)[0]));
    }
    for (int day = 0; day < days; ++day)
      for (int n = 0; n < events_a_day; ++n) {
        for (int i = 0; i < users; ++i) {
          const auto spoken = speech_of(i, day, n);
          advance(*all[static_cast<std::size_t>(i)], in_force, spoken.instant, out);
          apply(*all[static_cast<std::size_t>(i)], in_force, spoken.instant, spoken, horizon_events_ms, out);
          store->add_user(uid_of(i), *all[static_cast<std::size_t>(i)]);
        }
        commit(std::max(store->meta().now, start + day * day_ms + n * 48 * minute_ms));
      }
    if (not store->wait().has_value()) std::abort();
  }
  std::shared_ptr<const policy_set> policies = make_policies();
  std::vector<std::unique_ptr<user>> all;
};

filled& state() {
  static filled one;
  return one;
}

void load(benchmark::State& run) {
  auto& s = state();
  // As after a restart: all rows are in files, none in RocksDB's memory.
  s.open();
  const auto now = start + days * day_ms;
  std::uint64_t next = 0;
  for (auto _ : run) {
    const auto uid = uid_of(static_cast<int>(mix(++next) % users));
    const std::string_view names[] = {uid};
    benchmark::DoNotOptimize(s.store->load(names, *s.policies, now));
  }
  run.counters["bytes_per_user"] = static_cast<double>(s.bytes()) / users;
}
BENCHMARK(load)->Unit(benchmark::kMicrosecond);

void load_unknown(benchmark::State& run) {
  auto& s = state();
  std::uint64_t next = 0;
  for (auto _ : run) {
    const auto uid = "unknown-" + std::to_string(mix(++next));
    const std::string_view names[] = {uid};
    benchmark::DoNotOptimize(s.store->load(names, *s.policies, start + days * day_ms));
  }
}
BENCHMARK(load_unknown)->Unit(benchmark::kMicrosecond);

/// A touched user: one hour of buckets and one of ids.
void add_touched(filled& s, int i) {
  auto& who = *s.all[static_cast<std::size_t>(i)];
  const auto at = speech_of(i, days - 1, events_a_day - 1).instant;
  who.changed.bucket_hours.push_back(hour_of(at));
  who.changed.id_hours.push_back(hour_of(at));
  s.store->add_user(uid_of(i), who);
}

void add_user(benchmark::State& run) {
  auto& s = state();
  int i = 0;
  for (auto _ : run) {
    add_touched(s, i);
    i = (i + 1) % users;
  }
}
BENCHMARK(add_user);

/// A whole commit of 2,000 touched users: rows, batch, write, sync.
void commit_2000_users(benchmark::State& run) {
  auto& s = state();
  for (auto _ : run) {
    for (int i = 0; i < 2'000; ++i)
      add_touched(s, i);
    s.commit(s.store->meta().now);
    if (not s.store->wait().has_value()) std::abort();
  }
}
BENCHMARK(commit_2000_users)->Unit(benchmark::kMillisecond);

void erased_at_of_unknown_user(benchmark::State& run) {
  auto& s = state();
  for (auto _ : run)
    benchmark::DoNotOptimize(s.store->erased_at("unknown"));
}
BENCHMARK(erased_at_of_unknown_user);

} // namespace

BENCHMARK_MAIN();
