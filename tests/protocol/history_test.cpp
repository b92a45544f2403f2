// SPDX-License-Identifier: Apache-2.0
//
// A capture taken after crashes, as a history: it holds what the naive model applied, and nothing else.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include "core/rules.hpp"
#include "streams/history/capture_history.hpp"
#include "tests/protocol/cluster_simulation.hpp"
#include "tests/protocol/independent_model.hpp"
#include "tests/protocol/replay.hpp"
#include "tests/simlog/simulated_cluster.hpp"
#include "tests/streams/history/as_recorded.hpp"
#include "tests/streams/history/packed.hpp"

namespace fairuse::protocol {

namespace {

using history::unpacked_history;
using kafka::section_kind;

struct captured_run {
  static run_settings wanted(std::uint64_t seed, bool promotes) {
    run_settings made(seed);
    made.partitions = 2;
    made.inputs = 2;
    made.instances = 2;
    made.promotes = promotes;
    made.compacts = false;
    made.config_commands = seed % 2 == 0;
    made.rounds = 300;
    return made;
  }

  explicit captured_run(std::uint64_t seed, bool promotes = false) : in(wanted(seed, promotes)), simulation(in) {
    simulation.run();
    folder = in.fresh_folder();
    std::filesystem::create_directories(folder);
    take("all", nullptr);
  }

  void take(const std::string& name, const kafka::capture_reader* from) {
    simlog::simulated_cluster brokers(in.log);
    auto wish = wish_of(in);
    wish.from = from;
    const auto made = kafka::export_capture(brokers, wish, folder / name);
    BOOST_REQUIRE_MESSAGE(made.has_value(), (made ? std::string() : made.error().message));
  }

  std::unique_ptr<kafka::capture_reader> open(const std::string& name) const {
    auto read = kafka::capture_reader::open(folder / name, {});
    BOOST_REQUIRE(read.has_value());
    return std::move(*read);
  }

  unpacked_history packed(const std::string& name = "all") const {
    const auto read = open(name);
    return history::packed([&](history::packer& to, history::history_contents& into) {
      const auto done = history::pack_capture(*read, {.case_key = in.case_key}, to, into);
      BOOST_REQUIRE_MESSAGE(done.has_value(), (done ? std::string() : done.error().message));
    });
  }

  /// From a checkpoint after that epoch on, of both partitions.
  void take_behind(std::uint64_t epoch) {
    write_checkpoint(in, folder / "state", epoch);
    const auto state = open("state");
    std::filesystem::remove(folder / "tail");
    take("tail", state.get());
    std::filesystem::remove(folder / "state");
  }

  history::recorded_check verified(const std::string& name = "all") {
    const auto read = open(name);
    const auto parse = in.rules_for("replay", folder, 0).configured.parse;
    return history::as_recorded(
        {.case_key = in.case_key, .parse = parse},
        [&](const auto& hooks, auto& to, auto& into) { return history::pack_capture(*read, hooks, to, into); });
  }

  fixture in;
  cluster_simulation simulation;
  std::filesystem::path folder;
};

/// Over all partitions.
struct expected_history {
  std::vector<std::string> events;
  std::uint64_t duplicates = 0;
  std::uint64_t stale = 0;
  std::uint64_t commands = 0;
  refusal_counts refused{};
};

std::string line_of(const std::string& uid, time_ms now, const std::string& source, const std::string& id) {
  return fmt::format("{} {} {} {}", uid, now, source, id);
}

expected_history expected_of(fixture& in) {
  expected_history all;
  std::map<std::string, std::vector<applied_event>> users;
  for (std::int32_t p = 0; p < in.settings.partitions; ++p) {
    const auto log = read_committed_log(in, p);
    auto made = outcome_of_model(in, log);
    users.merge(made.applied);
    all.duplicates += made.duplicates;
    all.stale += made.stale;
    all.commands += made.commands;
    for (const auto& epoch : log.epochs)
      for (const auto& each : epoch.record.refused)
        ++all.refused[static_cast<std::size_t>(each.why)];
  }
  for (const auto& [uid, events] : users)
    for (const auto& each : events)
      all.events.push_back(line_of(uid, each.now, each.source, each.id));
  return all;
}

std::vector<std::string> told(const unpacked_history& of) {
  std::vector<std::string> all;
  for (const auto& each : of.events)
    all.push_back(line_of(each.uid, each.now, each.source, each.id));
  return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(capture_history)

BOOST_AUTO_TEST_CASE(what_the_model_applied_is_in_the_history_and_nothing_else) {
  for (const std::uint64_t seed : {4U, 7U, 12U, 87U, 117U}) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      captured_run run(seed);
      const auto made = run.packed();
      const auto expected = expected_of(run.in);
      BOOST_TEST(told(made) == expected.events, boost::test_tools::per_element());
      const auto& counts = made.contents.counts;
      BOOST_TEST(counts.all_events() == expected.events.size());
      BOOST_TEST(counts.duplicates == expected.duplicates);
      BOOST_TEST(counts.stale == expected.stale);
      BOOST_TEST(counts.refused == expected.refused, boost::test_tools::per_element());
      BOOST_TEST(made.contents.broadcasts.size() == expected.commands);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_capture_says_how_its_history_begins_and_what_held) {
  captured_run run(4);
  const auto made = run.packed();
  const auto& all = made.contents;
  BOOST_TEST((all.start == history::history_start::first_epoch));
  BOOST_TEST(all.arrivals_known);
  BOOST_TEST(all.retention_ms == 8 * day_ms);
  BOOST_TEST(all.horizon_ms == horizon_wall_ms);
  BOOST_REQUIRE(all.parts.size() == 2U);
  std::size_t requests = 0;
  for (std::int32_t p = 0; p < 2; ++p) {
    const auto log = read_committed_log(run.in, p);
    BOOST_TEST(all.parts[static_cast<std::size_t>(p)].last_now == log.epochs.back().record.now);
    for (const auto& each : run.in.log.records({run.in.topics.decisions, p}, kafka::isolation::committed))
      requests += each.what.value->find(R"("decision":"review_requested")") != std::string::npos;
  }
  std::size_t known = 0;
  for (const auto& [uid, reviews] : made.reviews)
    known += static_cast<std::size_t>(
        std::count_if(reviews.begin(), reviews.end(), [](const auto& each) { return each.requested_at != never; }));
  BOOST_TEST(requests > 0U);
  BOOST_TEST(known == requests);
}

BOOST_AUTO_TEST_CASE(promotions_are_in_force_from_their_epoch_on) {
  std::size_t promotions = 0;
  for (const std::uint64_t seed : {4U, 7U}) {
    captured_run run(seed, true);
    const auto made = run.packed();
    for (std::int32_t p = 0; p < 2; ++p) {
      const auto log = read_committed_log(run.in, p);
      std::string live;
      for (const auto& each : made.contents.in_force) {
        if (each.partition != p or each.slot != "live") continue;
        promotions += not live.empty();
        live = each.digest;
      }
      BOOST_TEST(live == log.last.controls.live);
    }
  }
  BOOST_TEST(promotions > 0U);
}

BOOST_AUTO_TEST_CASE(what_a_capture_holds_is_decided_again) {
  std::map<std::string, std::uint64_t> decisions;
  for (const auto seed : history::seeds_to_try({1, 2, 3, 4, 5, 6, 53, 59, 170})) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      captured_run run(seed, seed % 3 != 0);
      const auto made = run.verified();
      BOOST_TEST(made.refused == "");
      BOOST_TEST(made.difference == "");
      for (const auto& [slot, of] : made.made.slots)
        decisions[slot] += of.decisions;
    }
  }
  for (const auto& [slot, count] : decisions)
    BOOST_TEST_MESSAGE(slot << " " << count);
}

BOOST_AUTO_TEST_CASE(a_checkpoint_alone_is_no_history_and_one_that_follows_says_so) {
  captured_run run(4);
  simlog::simulated_cluster brokers(run.in.log);
  BOOST_REQUIRE(kafka::export_checkpoint(brokers, wish_of(run.in), run.folder / "state").has_value());
  const auto state = run.open("state");
  const test_folder scratch;
  history::packer to({.scratch = scratch.path()});
  history::history_contents into;
  BOOST_TEST((history::pack_capture(*state, {}, to, into).error().fault == store_fault::misuse));
  run.take("rest", state.get());
  const auto made = run.packed("rest");
  BOOST_TEST((made.contents.start == history::history_start::checkpoint));
  BOOST_TEST(made.events.empty());
}

BOOST_AUTO_TEST_CASE(behind_a_checkpoint_everything_is_there_that_was_applied) {
  captured_run run(4);
  constexpr std::uint64_t checkpoint = 20;
  run.take_behind(checkpoint);
  const auto made = run.packed("tail");
  BOOST_TEST((made.contents.start == history::history_start::checkpoint));
  BOOST_TEST(made.contents.in_force.size() == 2U);
  const auto there = told(made);
  const std::set<std::string> found(there.begin(), there.end());
  std::size_t expected = 0;
  for (std::int32_t p = 0; p < 2; ++p)
    for (const auto& [uid, events] : outcome_of_model(run.in, read_committed_log(run.in, p)).applied)
      for (const auto& each : events) {
        const bool is_there = found.contains(line_of(uid, each.now, each.source, each.id));
        BOOST_TEST(is_there == (each.epoch > checkpoint));
        expected += each.epoch > checkpoint;
      }
  BOOST_TEST(expected > 0U);
  BOOST_TEST(there.size() == expected);
}

BOOST_AUTO_TEST_CASE(what_a_capture_holds_behind_a_checkpoint_is_decided_again) {
  std::uint64_t decisions = 0;
  std::uint64_t idle = 0;
  for (const auto seed : history::seeds_to_try({1, 2, 3, 4, 5, 6, 8, 10, 53, 59, 74, 170})) {
    captured_run run(seed, seed % 3 != 0);
    std::uint64_t last = UINT64_MAX;
    for (std::int32_t p = 0; p < 2; ++p)
      last = std::min(last, read_committed_log(run.in, p).last.epoch);
    for (const auto share : {1U, 2U, 3U, 4U}) {
      const auto epoch = std::max<std::uint64_t>(1, last * share / 5 + seed % 7);
      if (epoch >= last) continue;
      BOOST_TEST_CONTEXT("seed " << seed << ", checkpoint after epoch " << epoch << " of " << last) {
        run.take_behind(epoch);
        const auto made = run.verified("tail");
        BOOST_TEST(made.refused == "");
        BOOST_TEST(made.difference == "");
        decisions += made.equal;
        idle += made.contents.counts.idle_users;
      }
    }
  }
  BOOST_TEST(decisions > 0U);
  BOOST_TEST(idle > 0U);
  BOOST_TEST_MESSAGE(decisions << " decisions, " << idle << " idle users");
}

BOOST_AUTO_TEST_CASE(an_input_that_is_missing_is_named) {
  captured_run run(4);
  const auto read = run.open("all");
  auto write = kafka::capture_writer::create(run.folder / "less", true);
  BOOST_REQUIRE(write.has_value());
  std::size_t inputs = 0;
  for (const auto& each : read->contents().sections) {
    const auto section = (*write)->begin_section(each);
    auto records = read->records(each);
    kafka::captured_record one;
    while (records.next(one))
      if (each.kind != section_kind::input or ++inputs != 3) (*write)->add(section, one);
  }
  auto all = read->contents();
  all.sections.clear();
  BOOST_REQUIRE((*write)->finish(std::move(all)).has_value());
  const auto less = run.open("less");
  const test_folder scratch;
  history::packer to({.scratch = scratch.path()});
  history::history_contents into;
  const auto done = history::pack_capture(*less, {}, to, into);
  BOOST_REQUIRE(not done.has_value());
  BOOST_TEST((done.error().fault == store_fault::damaged));
  BOOST_TEST(done.error().message.find("are here") != std::string::npos, done.error().message);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse::protocol
