// SPDX-License-Identifier: Apache-2.0
//
// FAIRUSE_SEED=17 plays one seed, FAIRUSE_SEEDS=1..20000 a range; FAIRUSE_TRACE=1 tells what happens.
#include "tests/protocol/seeds.hpp"

#include <chrono>
#include <cstdlib>
#include <string>
#include <utility>

#include <boost/test/unit_test.hpp>

namespace fairuse::protocol {

namespace {

#ifndef FAIRUSE_SEEDS_DEFAULT
#define FAIRUSE_SEEDS_DEFAULT "1..50"
#endif

std::pair<std::uint64_t, std::uint64_t> wanted_seeds() {
  if (const char* one = std::getenv("FAIRUSE_SEED")) return {std::stoull(one), std::stoull(one)};
  const char* named = std::getenv("FAIRUSE_SEEDS");
  const std::string range = named != nullptr ? named : FAIRUSE_SEEDS_DEFAULT;
  const auto dots = range.find("..");
  if (dots == std::string::npos) return {std::stoull(range), std::stoull(range)};
  return {std::stoull(range.substr(0, dots)), std::stoull(range.substr(dots + 2))};
}

} // namespace

BOOST_AUTO_TEST_CASE(through_every_crash_and_pause_nothing_is_lost_doubled_or_torn) {
  const auto [first, last] = wanted_seeds();
  play_counts all;
  std::uint64_t epochs = 0;
  std::uint64_t decisions = 0;
  std::uint64_t records = 0;
  int failed = 0;
  const auto began = std::chrono::steady_clock::now();
  for (auto seed = first; seed <= last; ++seed) {
    BOOST_TEST_CHECKPOINT("seed " << seed);
    const auto seen = play_seed(setting(seed));
    all.crashes += seen.counts.crashes;
    all.sleeps += seen.counts.sleeps;
    all.twins += seen.counts.twins;
    all.steps += seen.counts.steps;
    all.rebalances += seen.counts.rebalances;
    all.aborts += seen.counts.aborts;
    all.recycled += seen.counts.recycled;
    epochs += seen.epochs;
    decisions += seen.decisions;
    records += seen.records;
    if (seen.wrong.empty()) continue;
    ++failed;
    BOOST_ERROR("seed " << seed << ": " << seen.wrong << "\n"
                        << (failed < 4 ? seen.diary : std::string()) << "  again with FAIRUSE_SEED=" << seed);
    if (failed >= 20) break;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  BOOST_TEST_MESSAGE("seeds " << first << " to " << last << " in " << took.count() << " s: " << failed << " failed; "
                              << all.crashes << " crashes, " << all.sleeps << " sleeps, " << all.twins << " twins, "
                              << all.rebalances << " rebalances, " << all.aborts << " aborts, " << all.recycled
                              << " new producers, " << all.steps << " steps, " << epochs << " epochs, " << records
                              << " records, " << decisions << " decisions");
  BOOST_TEST(failed == 0);
}

} // namespace fairuse::protocol
