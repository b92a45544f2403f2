// SPDX-License-Identifier: Apache-2.0
//
// Copiers under random faults. What they wrote is compared with what they were given. This tests the simulated log: a
// correct program has to pass whatever faults are drawn, and an incorrect one has to fail under some.

#include <array>
#include <memory>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "tests/simlog/copier.hpp"

namespace fairuse::simlog {

namespace {

using kafka::isolation;

constexpr std::int32_t partitions = 3;

/// Instances that run, crash, pause and come back.
class storm {
public:
  storm(std::uint64_t seed, copier_guards guards) : guards_(guards), draws_(seed, {}), plan_(seed + 1, stormy(60)) {
    log.make_topic("in", partitions);
    log.make_topic("out", partitions);
    upstream_ = driver_.make_producer("upstream");
    BOOST_REQUIRE(upstream_->prepare({}).has_value());
    for (std::size_t i = 0; i < instances_.size(); ++i)
      start(i);
  }

  void run(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      if (draws_.below(4) == 0) feed();
      if (draws_.below(200) == 0) log.outage(milliseconds{static_cast<std::int64_t>(draws_.below(4'000))});
      if (draws_.below(300) == 0) log.time_out("copier-" + std::to_string(draws_.below(2)));
      // Some pauses are longer than a session: a zombie.
      if (draws_.below(100) == 0) paused_[draws_.below(paused_.size())] = static_cast<int>(draws_.below(200));
      round();
    }
  }
  /// The faults stop; every instance catches up.
  void finish() {
    plan_.stop();
    paused_ = {};
    for (int i = 0; i < 400; ++i)
      round();
    log.settle();
    for (int i = 0; i < 100; ++i)
      round();
  }

  std::vector<std::string> fed(std::int32_t partition) const {
    std::vector<std::string> keys;
    for (const log_entry& each : log.records({"in", partition}, isolation::committed))
      keys.push_back(std::to_string(partition) + "/" + std::to_string(each.offset));
    return keys;
  }
  std::vector<std::string> copied(std::int32_t partition) const {
    std::vector<std::string> keys;
    for (const log_entry& each : log.records({"out", partition}, isolation::committed))
      keys.push_back(*each.what.key);
    return keys;
  }
  bool is_right() const {
    for (std::int32_t partition = 0; partition < partitions; ++partition)
      if (fed(partition) != copied(partition)) return false;
    return true;
  }

  /// How often that fault was drawn.
  std::uint64_t struck(fault what) const { return plan_.struck(what); }
  int crashes = 0;
  simulated_log log{{.scan = milliseconds{1'000}}};

private:
  struct instance {
    std::unique_ptr<simulated_cluster> process;
    std::unique_ptr<copier> program;
  };

  void start(std::size_t i) {
    instances_[i].program.reset();
    const client_options how{.session = milliseconds{6'000}, .transaction = milliseconds{2'000}, .batch = 20};
    instances_[i].process = std::make_unique<simulated_cluster>(log, how, plan_);
    instances_[i].program = std::make_unique<copier>(*instances_[i].process, "copier-" + std::to_string(i), guards_);
  }

  void restart(std::size_t i) {
    ++crashes;
    start(i);
    paused_[i] = static_cast<int>(draws_.below(30));
  }

  void feed() {
    if (!log.reachable()) return;
    BOOST_REQUIRE(upstream_->begin().has_value());
    for (std::uint64_t n = 1 + draws_.below(4); n > 0; --n)
      upstream_->produce("in", static_cast<std::int32_t>(draws_.below(partitions)), std::nullopt, "v", {});
    BOOST_REQUIRE(upstream_->flush().has_value());
    const auto ended = draws_.below(5) == 0 ? upstream_->abort() : upstream_->commit();
    BOOST_REQUIRE(ended.has_value());
  }

  void round() {
    log.advance(milliseconds{50});
    for (std::size_t i = 0; i < instances_.size(); ++i) {
      if (paused_[i] > 0) {
        --paused_[i];
        continue;
      }
      try {
        if (instances_[i].program->is_over()) start(i);
        instances_[i].program->work();
        // A crash inside produce throws nothing.
        if (instances_[i].process->dead()) restart(i);
      } catch (const simulated_crash&) {
        restart(i);
      }
    }
  }

  copier_guards guards_;
  fault_plan draws_;
  fault_plan plan_;
  std::array<int, 2> paused_{};
  simulated_cluster driver_{log};
  std::unique_ptr<kafka::transactional_producer> upstream_;
  std::array<instance, 2> instances_;
};

/// The first seed that goes wrong; 0: none of them.
std::uint64_t first_wrong(copier_guards guards, std::uint64_t seeds) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    storm it(seed, guards);
    it.run(400);
    it.finish();
    if (!it.is_right()) return seed;
  }
  return 0;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_careful_copier_loses_and_doubles_nothing_in_any_storm) {
  int crashes = 0;
  std::size_t copies = 0;
  std::array<std::uint64_t, faults> struck{};
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    storm it(seed, {});
    it.run(400);
    it.finish();
    crashes += it.crashes;
    for (std::size_t i = 0; i < faults; ++i)
      struck[i] += it.struck(static_cast<fault>(i));
    for (std::int32_t partition = 0; partition < partitions; ++partition) {
      BOOST_TEST(it.copied(partition) == it.fed(partition), boost::test_tools::per_element());
      copies += it.copied(partition).size();
    }
    BOOST_TEST_REQUIRE(it.is_right(), "seed " << seed);
  }
  BOOST_TEST(crashes > 300);
  BOOST_TEST(copies > 10'000U);
  for (std::size_t i = 0; i < faults; ++i)
    BOOST_TEST(struck[i] > 0U, "never struck: " << name_of(static_cast<fault>(i)));
}

BOOST_AUTO_TEST_CASE(a_copier_that_keeps_a_troubled_producer_is_caught) {
  BOOST_TEST(first_wrong({.recycles = false}, 300) > 0U);
}

BOOST_AUTO_TEST_CASE(a_copier_that_does_not_go_back_after_an_abort_is_caught) {
  BOOST_TEST(first_wrong({.goes_back = false}, 300) > 0U);
}

BOOST_AUTO_TEST_CASE(a_copier_that_believes_every_gap_is_caught) {
  BOOST_TEST(first_wrong({.doubts_gaps = false}, 300) > 0U);
}

BOOST_AUTO_TEST_CASE(the_same_seed_gives_the_same_storm) {
  const auto trace_of = [](std::uint64_t seed) {
    storm it(seed, {});
    it.run(300);
    std::string text = std::to_string(it.log.now()) + " " + std::to_string(it.log.calls());
    for (std::int32_t partition = 0; partition < partitions; ++partition)
      for (const log_entry& each : it.log.log_of({"out", partition}).entries())
        text += " " + std::to_string(each.offset) + std::to_string(static_cast<int>(each.ended))
                + each.what.key.value_or("");
    return text;
  };
  BOOST_TEST(trace_of(7) == trace_of(7));
  BOOST_TEST(trace_of(7) != trace_of(8));
}

} // namespace fairuse::simlog
