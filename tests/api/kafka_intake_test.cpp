// SPDX-License-Identifier: Apache-2.0
//
// The intake under random faults, against a simple model. FAIRUSE_SEED=17 runs one seed, FAIRUSE_SEEDS=1..20000 a
// range.
#include "api/kafka_intake.hpp"

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "tests/api/intake_storm.hpp"
#include "tests/wanted_seeds.hpp"

namespace fairuse::intake {

namespace {

constexpr std::size_t lines_shown = 60;

/// One program that does nothing by itself, and a log with one partition.
struct quiet_place {
  quiet_place() {
    for (const auto& topic : {input, results, early})
      log.make_topic(topic, 1);
    BOOST_REQUIRE(upstream->prepare({}).has_value());
    start();
  }

  void start() {
    intake.reset();
    cluster = std::make_unique<simlog::simulated_cluster>(log, how, faults);
    auto made = kafka_intake::make({.group = group_name,
                                    .instance = "one",
                                    .topic = input,
                                    .outputs = {results, early},
                                    .log = [this](log_level, const std::string& what) { said.push_back(what); }},
                                   *cluster, {.take = [this](auto handle, const auto& what, const auto&) {
                                     taken.emplace_back(*what.key);
                                     handles.push_back(handle);
                                     return true;
                                   }});
    BOOST_REQUIRE(made.has_value());
    intake = std::move(*made);
  }
  /// Without any time between.
  void poll(int times = 6) {
    for (int i = 0; i < times; ++i)
      BOOST_TEST(intake->poll(kafka::milliseconds{0}).has_value());
  }
  void feed(const std::vector<std::string>& keys) {
    BOOST_TEST(upstream->begin().has_value());
    for (const auto& key : keys)
      upstream->produce(input, 0, key, "v", {});
    BOOST_TEST(upstream->commit().has_value());
  }
  void finish(std::size_t which) {
    intake->finish(handles[which], {{.topic = results, .key = taken[which], .value = ""}});
  }
  /// Keys of what is committed.
  std::vector<std::string> keys_in(const std::string& topic) const {
    std::vector<std::string> keys;
    for (const auto& each : log.records({topic, 0}, kafka::isolation::committed))
      keys.push_back(*each.what.key);
    return keys;
  }

  simlog::simulated_log log;
  simlog::fault_plan faults;
  simlog::client_options how;
  simlog::simulated_cluster driver{log};
  std::unique_ptr<kafka::transactional_producer> upstream = driver.make_producer("upstream");
  std::unique_ptr<simlog::simulated_cluster> cluster;
  std::unique_ptr<kafka_intake> intake;
  std::vector<std::string> taken;
  std::vector<std::uint64_t> handles;
  std::vector<std::string> said;
};

struct idle_member : kafka::membership {
  void assigned(std::span<const kafka::topic_partition>) override {}
  void revoked(bool) override {}
};

using keys = std::vector<std::string>;

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
  BOOST_TEST(failed == 0);
  BOOST_TEST_MESSAGE(last - first + 1 << " seeds, " << failed << " failed: " << all.records << " records, "
                                      << all.removed << " removals, " << all.crashes << " crashes, " << all.twins
                                      << " twins, " << all.faults << " faults");
}

BOOST_AUTO_TEST_CASE(what_is_written_ahead_does_not_wait_for_older_records) {
  quiet_place at;
  at.feed({"old", "new"});
  at.poll();
  at.intake->write_ahead(at.handles[1], {{.topic = early, .key = "new", .value = ""}});
  at.finish(1);
  BOOST_TEST(at.intake->commit().has_value());
  BOOST_TEST(at.keys_in(early) == keys{"new"});
  BOOST_TEST(at.keys_in(results) == keys{});
  at.finish(0);
  BOOST_TEST(at.intake->commit().has_value());
  BOOST_TEST(at.keys_in(early) == keys{"new"});
  BOOST_TEST(at.keys_in(results) == (keys{"old", "new"}));
}

BOOST_AUTO_TEST_CASE(what_is_finished_is_committed_before_the_partition_goes) {
  quiet_place at;
  at.feed({"one", "two"});
  at.poll();
  at.finish(0);
  simlog::simulated_cluster elsewhere{at.log};
  idle_member idle;
  const auto other = elsewhere.join({group_name, "another", {input}}, idle);
  other->poll(kafka::milliseconds{0});
  at.poll(1);
  BOOST_TEST(at.keys_in(results) == keys{"one"});
  // What is finished now is another member's.
  at.finish(1);
  BOOST_TEST(at.intake->commit().has_value());
  BOOST_TEST(at.keys_in(results) == keys{"one"});
}

BOOST_AUTO_TEST_CASE(after_a_kill_in_a_commit_its_own_transaction_holds_nothing_up) {
  quiet_place at;
  at.feed({"one"});
  at.poll();
  at.finish(0);
  at.faults.script(simlog::point::commit, simlog::fault::crash_before);
  BOOST_CHECK_THROW(static_cast<void>(at.intake->commit()), simlog::simulated_crash);
  at.start();
  at.poll();
  BOOST_TEST(at.intake->is_ready());
  BOOST_TEST(at.taken == (keys{"one", "one"}));
}

BOOST_AUTO_TEST_CASE(a_record_that_was_removed_finishes_no_other) {
  quiet_place at;
  at.how.after_loss = simlog::outcome::repeats;
  at.start();
  at.feed({"removed"});
  at.poll();
  at.feed({"never read"});
  at.feed({"there"});
  at.log.log_of({input, 0}).delete_before(4);
  // Where to go on is not known at once, and that records were removed is said once.
  at.faults.script(simlog::point::committed, simlog::fault::lost, 1);
  at.faults.script(simlog::point::committed, simlog::fault::lost, 2);
  at.poll();
  BOOST_TEST(at.taken == (keys{"removed", "there"}));
  at.finish(0);
  BOOST_TEST(at.intake->commit().has_value());
  BOOST_TEST(at.keys_in(results) == keys{});
  at.finish(1);
  BOOST_TEST(at.intake->commit().has_value());
  BOOST_TEST(at.keys_in(results) == keys{"there"});
  BOOST_TEST(at.said.size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_was_written_ahead_of_a_removed_record_is_written_before_the_end) {
  quiet_place at;
  at.feed({"removed"});
  at.poll();
  at.intake->write_ahead(at.handles[0], {{.topic = early, .key = "removed", .value = ""}});
  at.feed({"never read"});
  at.log.log_of({input, 0}).delete_before(4);
  at.poll();
  BOOST_TEST(at.intake->open() == 0U);
  BOOST_TEST(not at.intake->at_end());
  BOOST_TEST(at.intake->commit().has_value());
  BOOST_TEST(at.keys_in(early) == keys{"removed"});
  BOOST_TEST(at.intake->at_end());
}

BOOST_AUTO_TEST_CASE(the_end_is_reached_behind_the_marker_of_the_last_transaction) {
  quiet_place at;
  at.poll();
  BOOST_TEST(at.intake->at_end());
  at.feed({"one"});
  BOOST_TEST(not at.intake->at_end());
  at.poll();
  at.finish(0);
  BOOST_TEST(not at.intake->at_end());
  BOOST_TEST(at.intake->commit().has_value());
  BOOST_TEST(at.intake->at_end());
  at.feed({"two"});
  BOOST_TEST(not at.intake->at_end());
}

BOOST_AUTO_TEST_CASE(a_commit_that_fails_is_counted_and_tried_again) {
  quiet_place at;
  at.how.after_loss = simlog::outcome::breaks;
  at.start();
  at.feed({"one"});
  at.poll();
  at.finish(0);
  at.faults.script(simlog::point::commit, simlog::fault::lost);
  BOOST_TEST(at.intake->commit().has_value());
  BOOST_TEST(at.intake->failures() == 1U);
  BOOST_TEST(at.keys_in(results) == keys{});
  BOOST_TEST(at.intake->commit().has_value());
  BOOST_TEST(at.intake->failures() == 0U);
  BOOST_TEST(at.keys_in(results) == keys{"one"});
}

BOOST_AUTO_TEST_CASE(a_broker_that_asks_for_patience_has_it_within_a_commit) {
  for (const auto where : {simlog::point::add_offsets, simlog::point::send_offsets, simlog::point::commit}) {
    quiet_place at;
    at.feed({"one"});
    at.poll();
    at.finish(0);
    at.faults.script(where, simlog::fault::loading);
    BOOST_TEST(at.intake->commit().has_value());
    BOOST_TEST(at.intake->failures() == 0U);
    BOOST_TEST(at.keys_in(results) == keys{"one"});
  }
}

} // namespace fairuse::intake
