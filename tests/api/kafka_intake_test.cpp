// SPDX-License-Identifier: Apache-2.0
//
// The intake under random faults, against a simple model. FAIRUSE_SEED=17 runs one seed, FAIRUSE_SEEDS=1..20000 a
// range.
#include "api/kafka_intake.hpp"

#include <algorithm>
#include <exception>
#include <string>

#include <boost/test/unit_test.hpp>

#include "tests/api/intake_storm.hpp"
#include "tests/wanted_seeds.hpp"

namespace fairuse::intake {

namespace {

constexpr std::size_t lines_shown = 60;

/// What a seed does wrong, and what happened before it; empty: nothing.
std::string wrong_in(std::uint64_t seed, storm_counts& all) {
  intake_storm storm(seed);
  std::string text;
  try {
    storm.run();
  } catch (const broken_promise& broken) {
    const auto& lines = storm.trace();
    for (auto i = lines.size() - std::min(lines.size(), lines_shown); i < lines.size(); ++i)
      text += "  " + lines[i] + "\n";
    text = std::string{broken.what()} + ", after this:\n" + text;
  }
  all.records += storm.counts().records;
  all.removed += storm.counts().removed;
  all.crashes += storm.counts().crashes;
  all.twins += storm.counts().twins;
  all.faults += storm.counts().faults;
  return text;
}

} // namespace

BOOST_AUTO_TEST_CASE(in_any_storm_each_record_has_its_outputs_once_and_in_order) {
  const auto [first, last] = wanted_seeds("1..300");
  storm_counts all;
  int failed = 0;
  for (auto seed = first; seed <= last and failed < 3; ++seed) {
    const auto wrong = wrong_in(seed, all);
    if (wrong.empty()) continue;
    ++failed;
    BOOST_ERROR("seed " << seed << ": " << wrong << "  again with FAIRUSE_SEED=" << seed);
  }
  BOOST_TEST_MESSAGE(last - first + 1 << " seeds, " << failed << " failed: " << all.records << " records, "
                                      << all.removed << " removals, " << all.crashes << " crashes, " << all.twins
                                      << " twins, " << all.faults << " faults");
}

} // namespace fairuse::intake
