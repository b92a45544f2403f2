// SPDX-License-Identifier: Apache-2.0

#include <memory>
#include <set>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include "tests/simlog/simulated_cluster.hpp"

namespace fairuse::simlog {

namespace {

using kafka::isolation;

/// Producers of one transactional id, independent of each other.
struct rivals {
  simulated_log log;
  fault_plan plan;
  simulated_cluster client;
  std::vector<std::unique_ptr<kafka::transactional_producer>> producers;

  explicit rivals(std::uint64_t seed)
    : plan(seed, {{fault::late_markers, 300'000}, {fault::early, 200'000}, {fault::duplicated, 100'000}}),
      client(log, {}, plan) {
    log.make_topic("t", 2);
  }

  void act(int draw) {
    const int what = draw % 6;
    if (producers.empty() || what == 0) {
      producers.push_back(client.make_producer("id"));
      const std::vector<std::string> topics{"t"};
      while (asks_for(producers.back()->prepare(topics), kafka::next_action::again)) {
      }
      return;
    }
    const std::size_t who = static_cast<std::size_t>(draw / 6) % producers.size();
    auto& producer = *producers[who];
    // A producer that is fenced is told so.
    if (what == 1) (void)producer.begin();
    if (what == 2 || what == 3) producer.produce("t", what - 2, std::to_string(who), "v", {});
    if (what == 4) (void)producer.flush();
    if (what == 5) {
      const bool wrote = producer.delivered_next({"t", 0}) >= 0 || producer.delivered_next({"t", 1}) >= 0;
      const bool committed = producer.commit().has_value();
      RC_ASSERT(!(committed && wrote && who + 1 != producers.size()));
    }
  }
};

std::unique_ptr<kafka::transactional_producer> prepared(simulated_cluster& by) {
  auto made = by.make_producer("id");
  const std::vector<std::string> topics{"t"};
  BOOST_TEST(made->prepare(topics).has_value());
  return made;
}

} // namespace

BOOST_AUTO_TEST_CASE(an_abort_after_a_fence_with_unsent_records_has_both_answers_of_a_real_broker) {
  simulated_log log;
  simulated_cluster client(log, {});
  log.make_topic("t", 1);
  std::set<std::string> answers;
  for (int i = 0; i < 4; ++i) {
    const auto older = prepared(client);
    BOOST_TEST(older->begin().has_value());
    older->produce("t", 0, "k", "v", {});
    const auto newer = prepared(client);
    BOOST_TEST(not older->flush());
    const auto seen = older->abort();
    BOOST_REQUIRE(asks_for(seen, kafka::next_action::broken));
    BOOST_TEST(asks_for(older->begin(), kafka::next_action::broken));
    answers.insert(seen.error().code);
  }
  BOOST_TEST((answers == std::set<std::string>{"INVALID_TXN_STATE", "_FENCED"}));
}

BOOST_AUTO_TEST_CASE(a_commit_after_a_fence_behind_the_added_partition_has_both_answers_of_a_real_broker) {
  simulated_log log;
  simulated_cluster client(log, {});
  log.make_topic("t", 1);
  std::set<std::string> answers;
  for (int i = 0; i < 4; ++i) {
    const auto older = prepared(client);
    BOOST_TEST(older->begin().has_value());
    older->produce("t", 0, "k", "v", {});
    BOOST_TEST(older->flush().has_value());
    older->produce("t", 0, "k", "w", {});
    const auto newer = prepared(client);
    BOOST_TEST(not older->flush());
    const auto seen = older->commit();
    answers.insert(seen.error().code);
    BOOST_TEST(asks_for(seen, seen.error().code == "_FENCED" ? kafka::next_action::broken : kafka::next_action::abort));
    BOOST_TEST(asks_for(older->abort(), kafka::next_action::broken));
    BOOST_TEST(asks_for(older->begin(), kafka::next_action::broken));
  }
  BOOST_TEST((answers == std::set<std::string>{"INVALID_TXN_STATE", "_FENCED"}));
}

RC_BOOST_PROP(of_one_id_only_the_newest_producer_commits, (std::uint64_t seed)) {
  rivals it(seed);
  for (const int draw : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 600)))
    it.act(draw);
  it.log.settle();
  for (const std::int32_t partition : {0, 1}) {
    std::size_t newest = 0;
    for (const log_entry& each : it.log.records({"t", partition}, isolation::committed)) {
      const std::size_t who = std::stoull(*each.what.key);
      RC_ASSERT(who >= newest);
      newest = who;
    }
  }
}

} // namespace fairuse::simlog
