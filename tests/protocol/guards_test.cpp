// SPDX-License-Identifier: Apache-2.0
//
// Every guard of the commit protocol (guards.cmake) is taken away once, in the scenario that it exists for, and the
// checkers have to notice. With the guard the same scenario passes. So each guard is needed.
#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "tests/protocol/removed_guard.hpp"
#include "tests/protocol/scenario.hpp"

namespace fairuse::protocol {

namespace {

using simlog::fault;
using simlog::point;

constexpr int runs = 12;
const std::string one = "fairuse.m0.0";
const std::string two = "fairuse.m1.0";

using steps = std::function<void(scenario&)>;

/// What is wrong with it; empty: nothing.
std::string run(std::string_view without, const run_settings& settings, const steps& what) {
  guard::removed = without;
  scenario on(settings);
  std::string wrong;
  try {
    what(on);
    on.finish();
  } catch (const broken_invariant& broken) {
    wrong = broken.what();
    BOOST_TEST_MESSAGE("seed " << settings.seed << " without '" << without << "': " << wrong.substr(0, 200));
  }
  guard::removed = {};
  return wrong;
}

void start_one(scenario& on) {
  on.start(one);
  on.feed(5);
  on.until_caught_up();
}

std::uint64_t transactions(scenario& on) { return on.at(one).status().transactions; }

/// Nothing is written to RocksDB between two loads of the same user.
void reload_what_is_pending(scenario& on) {
  start_one(on);
  for (int i = 0; i < 6; ++i) {
    on.feed(4);
    on.until_caught_up();
  }
}

/// `one` is paused beyond its session and resumed in front of an epoch without records, before it polls the group.
void zombie_without_records(scenario& on) {
  // Only the zombie lacks the guard: S8 would notice earlier epochs without offsets.
  const auto without = std::exchange(guard::removed, {});
  start_one(on);
  on.start(two);
  on.pause(one);
  on.until_caught_up();
  on.in.leap(day_ms);
  on.until_caught_up();
  on.resume();
  on.inject(one, point::poll, fault::deaf);
  guard::removed = without;
  const auto before = on.at(one).status().rebalances;
  on.until("one has heard of it", [&] { return on.at(one).status().rebalances > before; });
}

/// The process dies between the last record of an epoch and its end; its disk stays.
void die_before_the_commit(scenario& on) {
  start_one(on);
  // The writer has nothing else to do.
  on.at(one).write();
  on.feed(4);
  on.inject(one, point::commit, fault::crash_before, [&] { on.at(one).write(); });
  on.until("one is dead", [&] { return not on.is_running(one); });
  on.start(one);
}

/// A first epoch is visible in the group and not yet in the changelog, and the process that made it has crashed.
void late_marker_of_the_first_epoch(scenario& on) {
  on.start(one);
  on.inject(one, point::commit, fault::late_markers);
  on.until("an epoch was committed", [&] { return transactions(on) > 0; });
  on.kill(one);
  on.start(two);
  // The session of `one` ends, and `two` runs for a while.
  for (int i = 0; i < 600; ++i)
    on.until("waiting", [] { return true; });
  on.in.log.settle();
}

/// A commit is repeated by the network, and its copy arrives in the middle of the next transaction, which is never
/// ended.
void late_copy_of_a_commit(scenario& on) {
  start_one(on);
  on.feed(4);
  const auto before = transactions(on);
  on.inject(one, point::commit, fault::delayed);
  on.until("a commit was repeated", [&] { return transactions(on) > before; });
  on.feed(4);
  on.inject(one, point::send_offsets, fault::crash_before, [&] { on.in.log.settle(); });
  on.until("one is dead", [&] { return not on.is_running(one); });
  on.start(one);
}

/// The same of an abort: the records of the next transaction so far are aborted, and its producer does not notice.
void late_copy_of_an_abort(scenario& on) {
  start_one(on);
  on.inject(one, point::produce, fault::early);
  on.inject(one, point::flush, fault::undelivered);
  on.inject(one, point::abort, fault::delayed);
  // The aborted transaction ends before this point, so this is the next one.
  on.inject(one, point::add_offsets, fault::loading, [&] { on.in.log.settle(); });
  on.feed(4);
  on.until("an abort was repeated", [&] { return on.at(one).status().aborts > 0; });
}

/// Some records of an epoch are not delivered.
void abort_with_records(scenario& on) {
  start_one(on);
  on.feed(4);
  on.inject(one, point::flush, fault::undelivered);
  on.until("an epoch was aborted", [&] { return on.at(one).status().aborts > 0; });
}

/// The client leaves out records that are there.
void skipped_records(scenario& on) {
  start_one(on);
  on.feed(12);
  on.inject(one, point::poll, fault::skipped);
}

/// A guard, its scenario, and the beginning of the message without it.
struct guard_row {
  std::string_view guard;
  steps what;
  std::string_view sign;
  /// In how many of the runs it is noticed.
  int at_least = runs;
};

const std::vector<guard_row> guard_rows{
    {"pending rows are read", reload_what_is_pending, "I"},
    {"offsets in every transaction", zombie_without_records, "I"},
    {"the store is written after the commit", die_before_the_commit, "I9"},
    // Which markers are late is drawn. After a partition's first epochs S8 hides the fault: a group that is ahead of
    // the changelog makes the takeover wait and compare again.
    {"the changelog is restored up to its end", late_marker_of_the_first_epoch, "I9", 1},
    {"a new producer after a doubtful commit", late_copy_of_a_commit, "I"},
    {"a new producer after a doubtful abort", late_copy_of_an_abort, "I"},
    {"records are fetched again after an abort", abort_with_records, "I1"},
    {"a gap is fetched twice", skipped_records, "I1"},
};

} // namespace

BOOST_AUTO_TEST_CASE(every_scenario_passes_with_the_guards_in_place) {
  for (const auto& row : guard_rows)
    for (int seed = 1; seed <= runs; ++seed) {
      const auto wrong = run({}, quiet_settings(static_cast<std::uint64_t>(seed)), row.what);
      BOOST_TEST(wrong == "", row.guard << ", seed " << seed << ": " << wrong);
    }
}

BOOST_AUTO_TEST_CASE(a_guard_that_is_taken_away_is_missed_in_its_scenario) {
  for (const auto& row : guard_rows) {
    int noticed = 0;
    for (int seed = 1; seed <= runs; ++seed) {
      const auto wrong = run(row.guard, quiet_settings(static_cast<std::uint64_t>(seed)), row.what);
      noticed += wrong.starts_with(row.sign) ? 1 : 0;
    }
    BOOST_TEST(noticed >= row.at_least, "without '" << row.guard << "', " << noticed << " of " << runs << " failed");
  }
}

BOOST_AUTO_TEST_CASE(every_guard_of_the_table_has_a_scenario) {
  std::set<std::string_view> here;
  for (const auto& row : guard_rows)
    here.insert(row.guard);
  std::set<std::string_view> table;
  for (std::string_view rest = FAIRUSE_GUARDS; not rest.empty();) {
    const auto end = std::min(rest.find('|'), rest.size());
    table.insert(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  BOOST_TEST(here == table, boost::test_tools::per_element());
}

} // namespace fairuse::protocol
