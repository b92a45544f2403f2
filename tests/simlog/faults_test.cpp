// SPDX-License-Identifier: Apache-2.0
//
// The faults by name: each has its effect, and leaves the broker's side as on a real broker.

#include <memory>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "tests/simlog/simulated_cluster.hpp"

namespace fairuse::simlog {

namespace {

using kafka::committed_offset;
using kafka::isolation;
using kafka::next_action;

struct watcher : kafka::membership {
  void assigned(std::span<const topic_partition>) override {}
  void revoked(bool lost) override { was_lost = lost; }
  bool was_lost = false;
};

/// One process with a member and a producer, a log with an input, an output and a changelog.
struct one_process {
  explicit one_process(outcome after = outcome::settles) {
    for (const auto* topic : {"in", "out", "log"})
      log.make_topic(topic, 1);
    options.after_loss = after;
    options.session = milliseconds{6'000};
    options.transaction = milliseconds{2'000};
    live();
  }

  void live() {
    client = std::make_unique<simulated_cluster>(log, options, plan);
    producer = fresh_producer();
    member = client->join({"g", "one", {"in"}}, told);
    member->poll(milliseconds{0});
    member->poll(milliseconds{0});
  }
  void die() {
    member.reset();
    producer.reset();
    client.reset();
  }
  std::unique_ptr<kafka::transactional_producer> fresh_producer() {
    auto made = client->make_producer("id");
    const std::vector<std::string> topics{"out", "log"};
    BOOST_TEST(made->prepare(topics).has_value());
    return made;
  }
  /// An epoch up to its commit.
  kafka::call_result<> epoch(int number) {
    const std::string text = std::to_string(number);
    if (const auto seen = producer->begin(); !seen) return seen;
    producer->produce("out", 0, text, text, {});
    producer->produce("log", 0, text, text, {});
    if (const auto seen = producer->flush(); !seen) return seen;
    const committed_offset at{input, number, "e=" + text};
    return producer->send_offsets({&at, 1}, *member);
  }
  std::int64_t stored() {
    const auto& known = log.group("g").committed();
    return known.contains(input) ? known.at(input).offset : -1;
  }
  std::size_t seen(const std::string& topic) const { return log.records({topic, 0}, isolation::committed).size(); }
  void expect(std::size_t records, std::int64_t offset) {
    BOOST_TEST(seen("out") == records);
    BOOST_TEST(seen("log") == records);
    BOOST_TEST(stored() == offset);
  }

  simulated_log log;
  fault_plan plan;
  client_options options;
  topic_partition input{"in", 0};
  watcher told;
  std::unique_ptr<simulated_cluster> client;
  std::unique_ptr<kafka::group_consumer> member;
  std::unique_ptr<kafka::transactional_producer> producer;
};

} // namespace

BOOST_AUTO_TEST_CASE(a_crash_before_the_commit_leaves_an_open_transaction_and_the_next_producer_aborts_it) {
  one_process it;
  it.plan.script(point::commit, fault::crash_before);
  BOOST_TEST(it.epoch(1).has_value());
  BOOST_CHECK_THROW((void)it.producer->commit(), simulated_crash);
  BOOST_TEST(it.client->dead());
  BOOST_CHECK(asks_for(it.producer->abort(), next_action::broken));
  BOOST_CHECK(it.log.transactions().find("id")->state == transaction_state::ongoing);
  it.die();
  it.live();
  it.expect(0, -1);
  BOOST_TEST(it.log.markers({"log", 0}) == 1U);
}

BOOST_AUTO_TEST_CASE(a_crash_after_the_commit_leaves_it_committed) {
  one_process it;
  it.plan.script(point::commit, fault::crash_after);
  BOOST_TEST(it.epoch(1).has_value());
  BOOST_CHECK_THROW((void)it.producer->commit(), simulated_crash);
  it.die();
  it.live();
  it.expect(1, 1);
}

BOOST_AUTO_TEST_CASE(a_lost_commit_or_a_lost_reply_is_noticed_and_has_one_effect) {
  for (const fault what : {fault::lost, fault::reply_lost, fault::duplicated})
    for (const outcome after : {outcome::settles, outcome::repeats}) {
      one_process it(after);
      it.plan.script(point::commit, what);
      BOOST_TEST(it.epoch(1).has_value());
      BOOST_TEST(!it.producer->had_errors());
      const auto first = it.producer->commit();
      if (!first) BOOST_TEST(it.producer->commit().has_value());
      BOOST_TEST(it.producer->had_errors());
      it.log.settle();
      it.expect(1, 1);
    }
}

BOOST_AUTO_TEST_CASE(a_broken_commit_may_have_been_one) {
  for (const fault what : {fault::lost, fault::reply_lost}) {
    one_process it(outcome::breaks);
    it.plan.script(point::commit, what);
    BOOST_TEST(it.epoch(1).has_value());
    BOOST_CHECK(asks_for(it.producer->commit(), next_action::broken));
    BOOST_CHECK(asks_for(it.producer->begin(), next_action::broken));
    it.producer = it.fresh_producer();
    if (what == fault::lost)
      it.expect(0, -1);
    else
      it.expect(1, 1);
  }
}

BOOST_AUTO_TEST_CASE(a_commit_that_comes_late_tears_the_next_transaction_of_the_same_producer) {
  one_process it;
  it.plan.script(point::commit, fault::delayed);
  BOOST_TEST(it.epoch(1).has_value());
  BOOST_TEST(it.producer->commit().has_value());
  BOOST_TEST(it.producer->begin().has_value());
  it.producer->produce("out", 0, "2", "2", {});
  BOOST_TEST(it.producer->flush().has_value());
  it.log.settle();
  // Half of it is committed, and no call returned it.
  BOOST_TEST(it.seen("out") == 2U);
  BOOST_TEST(it.seen("log") == 1U);
  BOOST_TEST(it.stored() == 1);
}

BOOST_AUTO_TEST_CASE(a_commit_that_comes_late_does_nothing_to_the_next_producer_of_the_id) {
  one_process it;
  it.plan.script(point::commit, fault::delayed);
  BOOST_TEST(it.epoch(1).has_value());
  BOOST_TEST(it.producer->commit().has_value());
  BOOST_TEST(it.producer->had_errors());
  it.producer = it.fresh_producer();
  BOOST_TEST(it.epoch(2).has_value());
  it.log.settle();
  it.expect(1, 1);
  BOOST_TEST(it.producer->commit().has_value());
  it.expect(2, 2);
}

BOOST_AUTO_TEST_CASE(markers_may_be_late_while_the_offsets_are_there_already) {
  bool seen_so = false;
  for (std::uint64_t seed = 0; seed < 200 && !seen_so; ++seed) {
    one_process it;
    it.plan = fault_plan(seed, {});
    it.plan.script(point::commit, fault::late_markers);
    BOOST_TEST(it.epoch(1).has_value());
    BOOST_TEST(it.producer->commit().has_value());
    seen_so = it.stored() == 1 && it.seen("log") == 0;
    if (!seen_so) continue;
    BOOST_TEST(it.client->range({"log", 0}, isolation::committed).value().high == 0);
    BOOST_TEST(it.client->range({"log", 0}, isolation::uncommitted).value().high == 1);
    // The next transaction waits for them.
    BOOST_TEST(it.producer->begin().has_value());
    it.producer->produce("log", 0, "2", "2", {});
    BOOST_CHECK(asks_for(it.producer->flush(), next_action::again));
    while (asks_for(it.producer->flush(), next_action::again)) {
    }
    BOOST_TEST(it.seen("log") == 1U);
  }
  BOOST_TEST(seen_so);
}

BOOST_AUTO_TEST_CASE(a_member_that_was_not_called_for_its_session_is_refused_and_then_told) {
  one_process it;
  BOOST_TEST(it.epoch(1).has_value());
  BOOST_TEST(it.producer->commit().has_value());
  it.log.advance(milliseconds{6'001});
  BOOST_TEST(it.log.group("g").members().empty());
  simulated_cluster other(it.log, it.options);
  watcher silent;
  const auto second = other.join({"g", "two", {"in"}}, silent);
  second->poll(milliseconds{0});
  const auto seen = it.epoch(2);
  BOOST_CHECK(asks_for(seen, next_action::abort));
  BOOST_TEST(seen.error().code == "UNKNOWN_MEMBER_ID");
  BOOST_TEST(it.producer->abort().has_value());
  BOOST_TEST(!it.member->assignment_lost());
  it.member->poll(milliseconds{0});
  BOOST_TEST(it.member->assignment_lost());
  BOOST_TEST(it.told.was_lost);
  it.expect(1, 1);
}

BOOST_AUTO_TEST_CASE(without_offsets_a_member_that_was_replaced_is_not_refused) {
  one_process it;
  it.log.advance(milliseconds{6'001});
  BOOST_TEST(it.producer->begin().has_value());
  it.producer->produce("out", 0, "timer", "timer", {});
  BOOST_TEST(it.producer->flush().has_value());
  BOOST_TEST(it.producer->send_offsets({}, *it.member).has_value());
  BOOST_TEST(it.producer->commit().has_value());
  BOOST_TEST(it.seen("out") == 1U);
}

BOOST_AUTO_TEST_CASE(an_empty_transaction_does_not_notice_a_fence) {
  one_process it;
  const auto newer = it.fresh_producer();
  BOOST_TEST(it.producer->begin().has_value());
  BOOST_TEST(it.producer->commit().has_value());
}

BOOST_AUTO_TEST_CASE(an_outage_longer_than_the_transaction_breaks_the_producer) {
  one_process it;
  BOOST_TEST(it.producer->begin().has_value());
  it.producer->produce("out", 0, "1", "1", {});
  it.log.outage(milliseconds{5'000});
  auto seen = it.producer->flush();
  BOOST_CHECK(asks_for(seen, next_action::again));
  while (asks_for(seen, next_action::again))
    seen = it.producer->flush();
  BOOST_CHECK(asks_for(seen, next_action::abort));
  BOOST_TEST(seen.error().code == "_MSG_TIMED_OUT");
  BOOST_TEST(it.producer->had_errors());
  it.log.advance(milliseconds{5'000});
  BOOST_TEST(it.log.reachable());
  BOOST_CHECK(asks_for(it.producer->abort(), next_action::broken));
  // The group kept its members while the coordinator was away.
  BOOST_TEST(it.log.group("g").members().size() == 1U);
  it.producer = it.fresh_producer();
  BOOST_TEST(it.epoch(1).has_value());
  BOOST_TEST(it.producer->commit().has_value());
}

BOOST_AUTO_TEST_CASE(skipped_records_come_after_going_back) {
  one_process it;
  const auto upstream = it.client->make_producer("upstream");
  BOOST_TEST(upstream->prepare({}).has_value());
  BOOST_TEST(upstream->begin().has_value());
  for (int i = 0; i < 20; ++i)
    upstream->produce("in", 0, std::nullopt, "v", {});
  BOOST_TEST(upstream->flush().has_value());
  BOOST_TEST(upstream->commit().has_value());
  const kafka::position from{it.input, 0};
  BOOST_TEST(it.member->fetch({&from, 1}).has_value());
  it.plan.script(point::poll, fault::skipped);
  auto batch = it.member->poll(milliseconds{0});
  BOOST_REQUIRE(batch);
  BOOST_TEST(batch->records()[0].offset > 0);
  BOOST_TEST(it.member->fetch({&from, 1}).has_value());
  batch = it.member->poll(milliseconds{0});
  BOOST_REQUIRE(batch);
  BOOST_TEST(batch->records()[0].offset == 0);
  BOOST_TEST(batch->records().size() == 20U);
}

BOOST_AUTO_TEST_CASE(undelivered_records_abort_the_transaction) {
  one_process it;
  it.plan.script(point::flush, fault::undelivered);
  const auto seen = it.epoch(1);
  BOOST_CHECK(asks_for(seen, next_action::abort));
  const auto again = it.producer->commit();
  BOOST_CHECK(asks_for(again, next_action::abort));
  BOOST_TEST(again.error().code == seen.error().code);
  BOOST_TEST(it.producer->abort().has_value());
  BOOST_TEST(it.epoch(2).has_value());
  BOOST_TEST(it.producer->commit().has_value());
  it.expect(1, 2);
}

BOOST_AUTO_TEST_CASE(an_offset_that_retention_took_is_a_failure_until_the_next_fetch) {
  one_process it;
  BOOST_TEST(it.epoch(1).has_value());
  BOOST_TEST(it.producer->commit().has_value());
  it.log.log_of({"out", 0}).delete_before(1);
  const auto reader = it.client->make_reader(isolation::committed);
  kafka::position from{{"out", 0}, 0};
  BOOST_TEST(reader->start({&from, 1}).has_value());
  BOOST_CHECK(reader->poll(milliseconds{0}) == nullptr);
  BOOST_TEST(reader->failure().error().code == "OFFSET_OUT_OF_RANGE");
  from.offset = 1;
  BOOST_TEST(reader->start({&from, 1}).has_value());
  BOOST_TEST(reader->failure().has_value());
}

} // namespace fairuse::simlog
