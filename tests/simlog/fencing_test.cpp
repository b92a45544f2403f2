// SPDX-License-Identifier: Apache-2.0

#include <functional>
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

/// Four producers of one id, one after the other: records that did not leave before the next one came. `before`: what
/// the producer does first; `call`: what is asked of it then.
std::set<std::string> answers_after_a_fence(
    const std::function<void(kafka::transactional_producer&)>& before,
    const std::function<kafka::call_result<>(kafka::transactional_producer&)>& call) {
  simulated_log log;
  simulated_cluster client(log, {});
  log.make_topic("t", 1);
  std::set<std::string> answers;
  for (int i = 0; i < 4; ++i) {
    const auto older = prepared(client);
    BOOST_TEST(older->begin().has_value());
    before(*older);
    older->produce("t", 0, "k", "v", {});
    const auto newer = prepared(client);
    BOOST_TEST(not older->flush());
    const auto seen = call(*older);
    BOOST_REQUIRE(not seen.has_value());
    answers.insert(seen.error().code);
    BOOST_TEST(asks_for(older->begin(), kafka::next_action::broken));
  }
  return answers;
}

const std::set<std::string> both_answers{"INVALID_TXN_STATE", "_FENCED"};

} // namespace

BOOST_AUTO_TEST_CASE(an_abort_after_a_fence_with_unsent_records_has_both_answers_of_a_real_broker) {
  const auto nothing = [](kafka::transactional_producer&) {};
  const auto abort = [](kafka::transactional_producer& of) {
    auto seen = of.abort();
    BOOST_REQUIRE(asks_for(seen, kafka::next_action::broken));
    return seen;
  };
  BOOST_TEST((answers_after_a_fence(nothing, abort) == both_answers));
}

BOOST_AUTO_TEST_CASE(a_commit_after_a_fence_behind_the_added_partition_has_both_answers_of_a_real_broker) {
  const auto add_the_partition = [](kafka::transactional_producer& of) {
    of.produce("t", 0, "k", "u", {});
    BOOST_TEST(of.flush().has_value());
  };
  const auto commit = [](kafka::transactional_producer& of) {
    auto seen = of.commit();
    BOOST_REQUIRE(not seen.has_value());
    BOOST_TEST(asks_for(seen, seen.error().code == "_FENCED" ? kafka::next_action::broken : kafka::next_action::abort));
    BOOST_TEST(asks_for(of.abort(), kafka::next_action::broken));
    return seen;
  };
  BOOST_TEST((answers_after_a_fence(add_the_partition, commit) == both_answers));
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
