// SPDX-License-Identifier: Apache-2.0
//
// Copiers in a storm. What they leave behind is compared with what they were given: this tests the simulated log, which
// has to be merciful enough that a correct program gets through, and cruel enough that an incorrect one does not.

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

/// Instances that live, die, sleep and come back.
class storm {
public:
  storm(std::uint64_t seed, copier_guards guards) : guards_(guards), dice_(seed, {}), plan_(seed + 1, stormy(60)) {
    log.make_topic("in", partitions);
    log.make_topic("out", partitions);
    upstream_ = driver_.make_producer("upstream");
    BOOST_REQUIRE(upstream_->prepare({}).ok());
    for (std::size_t i = 0; i < lives_.size(); ++i)
      start(i);
  }

  void rage(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      if (dice_.below(4) == 0) feed();
      if (dice_.below(200) == 0) log.outage(milliseconds{static_cast<std::int64_t>(dice_.below(4'000))});
      if (dice_.below(300) == 0) log.time_out("copier-" + std::to_string(dice_.below(2)));
      // Longer than a session, at times: a zombie.
      if (dice_.below(100) == 0) asleep_[dice_.below(asleep_.size())] = static_cast<int>(dice_.below(200));
      round();
    }
  }
  /// The faults stop; everybody catches up.
  void calm() {
    plan_.stop();
    asleep_ = {};
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

  /// How often it went wrong like that.
  std::uint64_t struck(fault what) const { return plan_.struck(what); }
  int crashes = 0;
  simulated_log log{{.scan = milliseconds{1'000}}};

private:
  struct life {
    std::unique_ptr<simulated_cluster> process;
    std::unique_ptr<copier> program;
  };

  void start(std::size_t i) {
    lives_[i].program.reset();
    const client_options how{.session = milliseconds{6'000}, .transaction = milliseconds{2'000}, .batch = 20};
    lives_[i].process = std::make_unique<simulated_cluster>(log, how, plan_);
    lives_[i].program = std::make_unique<copier>(*lives_[i].process, "copier-" + std::to_string(i), guards_);
  }

  void bury(std::size_t i) {
    ++crashes;
    start(i);
    asleep_[i] = static_cast<int>(dice_.below(30));
  }

  void feed() {
    if (!log.reachable()) return;
    upstream_->begin();
    for (std::uint64_t n = 1 + dice_.below(4); n > 0; --n)
      upstream_->produce("in", static_cast<std::int32_t>(dice_.below(partitions)), std::nullopt, "v", {});
    upstream_->flush();
    if (dice_.below(5) == 0)
      upstream_->abort();
    else
      upstream_->commit();
  }

  void round() {
    log.advance(milliseconds{50});
    for (std::size_t i = 0; i < lives_.size(); ++i) {
      if (asleep_[i] > 0) {
        --asleep_[i];
        continue;
      }
      try {
        if (lives_[i].program->is_over()) start(i);
        lives_[i].program->step();
        // A crash inside produce throws nothing.
        if (lives_[i].process->dead()) bury(i);
      } catch (const simulated_crash&) {
        bury(i);
      }
    }
  }

  copier_guards guards_;
  fault_plan dice_;
  fault_plan plan_;
  std::array<int, 2> asleep_{};
  simulated_cluster driver_{log};
  std::unique_ptr<kafka::transactional_producer> upstream_;
  std::array<life, 2> lives_;
};

/// The first seed that goes wrong; 0: none of them.
std::uint64_t first_wrong(copier_guards guards, std::uint64_t seeds) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    storm it(seed, guards);
    it.rage(400);
    it.calm();
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
    it.rage(400);
    it.calm();
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
  const auto story = [](std::uint64_t seed) {
    storm it(seed, {});
    it.rage(300);
    std::string text = std::to_string(it.log.now()) + " " + std::to_string(it.log.calls());
    for (std::int32_t partition = 0; partition < partitions; ++partition)
      for (const log_entry& each : it.log.log_of({"out", partition}).entries())
        text += " " + std::to_string(each.offset) + std::to_string(static_cast<int>(each.next_action))
                + each.what.key.value_or("");
    return text;
  };
  BOOST_TEST(story(7) == story(7));
  BOOST_TEST(story(7) != story(8));
}

} // namespace fairuse::simlog
