// SPDX-License-Identifier: Apache-2.0
//
// Every guard of the commit protocol is taken away once (storage/mutants.hpp), in the case that it exists for, and the
// checkers have to notice. With the guard, the same case passes. A guard that nobody would miss is not one.
#include "storage/mutants.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "tests/protocol/scene.hpp"

namespace fairuse::protocol {

namespace {

using simlog::fault;
using simlog::point;

constexpr int plays = 12;
const std::string one = "fairuse.m0.0";
const std::string two = "fairuse.m1.0";

using story = std::function<void(scene&)>;

/// What is wrong with it; empty: nothing.
std::string play(std::string_view without, const setting& how, const story& what) {
  mutant::chosen = without;
  scene on(how);
  std::string wrong;
  try {
    what(on);
    on.finish();
  } catch (const broken_promise& broken) {
    wrong = broken.what();
    BOOST_TEST_MESSAGE("seed " << how.seed << " without '" << without << "': " << wrong.substr(0, 200));
  }
  mutant::chosen = {};
  return wrong;
}

/// Some draws of traffic, policies and lateness: with the guard all of them pass, without it what is wrong begins with
/// `sign`, in so many of them.
void expect_caught(std::string_view guard, const story& what, std::string_view sign, int at_least = plays) {
  int caught = 0;
  for (int seed = 1; seed <= plays; ++seed) {
    const auto how = bare_stage(static_cast<std::uint64_t>(seed));
    const auto with = play({}, how, what);
    BOOST_TEST(with == "", "seed " << seed << " with every guard in place: " << with);
    const auto without = play(guard, how, what);
    caught += without.substr(0, sign.size()) == sign ? 1 : 0;
  }
  BOOST_TEST(caught >= at_least, "'" << guard << "' was noticed " << caught << " times of " << plays);
}

void begin(scene& on) {
  on.start(one);
  on.feed(5);
  on.until_caught_up();
}

std::uint64_t transactions(scene& on) { return on.at(one).status().transactions; }

/// Nothing is written to RocksDB between two loads of the same user.
void reload_what_is_pending(scene& on) {
  begin(on);
  for (int i = 0; i < 6; ++i) {
    on.feed(4);
    on.until_caught_up();
  }
}

/// `one` sleeps beyond its session and wakes up in front of an epoch without records, before it hears of the group.
void zombie_without_records(scene& on) {
  // Only the zombie lacks the guard: S8 would notice earlier epochs without offsets.
  const auto without = std::exchange(mutant::chosen, {});
  begin(on);
  on.start(two);
  on.sleep(one);
  on.until_caught_up();
  on.all.leap(day_ms);
  on.until_caught_up();
  on.wake();
  on.strike(one, point::poll, fault::deaf);
  mutant::chosen = without;
  const auto before = on.at(one).status().rebalances;
  on.until("one has heard of it", [&] { return on.at(one).status().rebalances > before; });
}

/// The process dies between the last record of an epoch and its end; its disk stays.
void die_before_the_commit(scene& on) {
  begin(on);
  // The writer has nothing else to do.
  on.at(one).write();
  on.feed(4);
  on.strike(one, point::commit, fault::crash_before, [&] { on.at(one).write(); });
  on.until("one is dead", [&] { return not on.shards(one); });
  on.start(one);
}

/// A first epoch is visible in the group and not yet in the changelog, and its maker is gone.
void late_marker_of_the_first_epoch(scene& on) {
  on.start(one);
  on.strike(one, point::commit, fault::late_markers);
  on.until("an epoch was committed", [&] { return transactions(on) > 0; });
  on.kill(one);
  on.start(two);
  // The session of `one` ends, and `two` looks around for a while.
  for (int i = 0; i < 600; ++i)
    on.until("waiting", [] { return true; });
  on.all.log.settle();
}

/// A commit is repeated by the network, and its copy arrives in the middle of the next transaction, which is never
/// ended.
void late_copy_of_a_commit(scene& on) {
  begin(on);
  on.feed(4);
  const auto before = transactions(on);
  on.strike(one, point::commit, fault::delayed);
  on.until("a commit was repeated", [&] { return transactions(on) > before; });
  on.feed(4);
  on.strike(one, point::send_offsets, fault::crash_before, [&] { on.all.log.settle(); });
  on.until("one is dead", [&] { return not on.shards(one); });
  on.start(one);
}

/// The same of an abort: what the next transaction has written so far is thrown away, and it does not hear of that.
void late_copy_of_an_abort(scene& on) {
  begin(on);
  on.strike(one, point::produce, fault::early);
  on.strike(one, point::flush, fault::undelivered);
  on.strike(one, point::abort, fault::delayed);
  // The aborted transaction never comes that far: this is the next one.
  on.strike(one, point::add_offsets, fault::loading, [&] { on.all.log.settle(); });
  on.feed(4);
  on.until("an abort was repeated", [&] { return on.at(one).status().aborts > 0; });
}

/// Some records of an epoch are not delivered.
void abort_with_records(scene& on) {
  begin(on);
  on.feed(4);
  on.strike(one, point::flush, fault::undelivered);
  on.until("an epoch was aborted", [&] { return on.at(one).status().aborts > 0; });
}

/// The client leaves out records that are there.
void skipped_records(scene& on) {
  begin(on);
  on.feed(12);
  on.strike(one, point::poll, fault::skipped);
}

} // namespace

BOOST_AUTO_TEST_CASE(a_reload_without_what_is_pending_is_noticed) {
  expect_caught("reload without pending", reload_what_is_pending, "I");
}

BOOST_AUTO_TEST_CASE(an_epoch_of_timers_without_offsets_is_noticed) {
  expect_caught("timers without offsets", zombie_without_records, "I");
}

BOOST_AUTO_TEST_CASE(a_store_that_is_written_before_the_commit_is_noticed) {
  expect_caught("store before commit", die_before_the_commit, "I9");
}

// Which markers are late is drawn. Later in a partition's life S8 covers up for it: a group that is ahead of the
// changelog makes it wait and look again.
BOOST_AUTO_TEST_CASE(a_restore_up_to_the_last_stable_offset_is_noticed) {
  expect_caught("last stable offset taken for H", late_marker_of_the_first_epoch, "I9", 1);
}

BOOST_AUTO_TEST_CASE(a_producer_that_outlives_a_doubtful_commit_is_noticed) {
  expect_caught("no recycling", late_copy_of_a_commit, "I");
}

BOOST_AUTO_TEST_CASE(a_producer_that_outlives_a_doubtful_abort_is_noticed) {
  expect_caught("no recycling", late_copy_of_an_abort, "I");
}

BOOST_AUTO_TEST_CASE(records_that_are_not_fetched_again_after_an_abort_are_noticed) {
  expect_caught("no seek after abort", abort_with_records, "I1");
}

BOOST_AUTO_TEST_CASE(records_that_a_client_left_out_are_noticed) {
  expect_caught("skipped-record guard off", skipped_records, "I1");
}

} // namespace fairuse::protocol
