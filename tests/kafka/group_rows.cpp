// SPDX-License-Identifier: Apache-2.0

#include <algorithm>

#include "tests/kafka/steps.hpp"

namespace fairuse::kafka::conformance {

namespace {

std::vector<topic_partition> sorted(std::vector<topic_partition> parts) {
  std::sort(parts.begin(), parts.end());
  return parts;
}

/// Two topics of two partitions, three records in each.
struct two_inputs {
  explicit two_inputs(fixture& place) : where(place), client(place.another_client()) {
    for (const auto* stem : {"inputs-a", "inputs-b"}) {
      topics.push_back(where.fresh(stem));
      where.make_topic(topics.back(), 2);
    }
    const auto writer = prepared(where, *client, where.fresh("writer"), {topics[0], topics[1]});
    for (const std::string& topic : topics)
      for (const std::int32_t partition : {0, 1})
        write_committed(where, *writer, {topic, partition}, 3);
    group = where.fresh("group");
  }

  member who(const std::string& instance) const { return {group, instance, topics}; }
  std::vector<topic_partition> both(std::int32_t partition) const {
    return sorted({{topics[0], partition}, {topics[1], partition}});
  }

  fixture& where;
  std::unique_ptr<cluster> client;
  std::vector<std::string> topics;
  std::string group;
};

/// What a member gets from `part` until it has `count` records; any other partition is a mismatch.
offsets fetched(fixture& where, joined_member& by, const topic_partition& part, std::size_t count) {
  offsets seen;
  const auto take = [&] {
    const auto batch = by.consumer->poll(milliseconds{10});
    if (!batch) return;
    for (const record& each : batch->records()) {
      expect(each.topic == part.topic && each.partition == part.partition, "only what was asked for is fetched");
      seen.push_back(each.offset);
    }
  };
  wait_until(
      where,
      [&] {
        take();
        return seen.size() >= count;
      },
      "records of a member");
  for (int more = 0; more < 5; ++more) {
    where.pass(milliseconds{20});
    take();
  }
  return seen;
}

/// Member `two`, beside the first one, as soon as both have their share.
std::unique_ptr<joined_member> join_second(const two_inputs& it, cluster& by, joined_member& first) {
  auto second = join_and_wait(it.where, by, it.who("two"), {&first});
  wait_until(
      it.where,
      [&] {
        first.poll();
        second->poll();
        return first.told.has.size() == 2 && second->told.has.size() == 2;
      },
      "two partitions each");
  return second;
}

void range_gives_the_same_number_of_every_topic(fixture& where) {
  two_inputs it(where);
  const auto other = where.another_client();
  const auto first = join_and_wait(where, *it.client, it.who("one"));
  expect_equal(static_cast<std::int64_t>(first->told.has.size()), 4, "partitions of the only member");
  const auto second = join_second(it, *other, *first);
  const auto mine = sorted(first->told.has);
  const std::int32_t number = mine[0].partition;
  expect(mine == it.both(number), "the first member has the same partition of both topics");
  expect(sorted(second->told.has) == it.both(1 - number), "the second member has the other of both");
  expect_equal(first->told.revocations, 1, "revocations of the first member");
  expect(!first->told.was_lost, "the group asked before it took");
}

/// A real member learns it from time to time only.
void expect_stable(fixture& where, joined_member& of, const topic_partition& part, std::int64_t expected) {
  wait_until(
      where,
      [&] {
        expect(of.consumer->poll(milliseconds{10}) == nullptr, "there is nothing more to fetch");
        return of.consumer->last_stable(part) >= 0;
      },
      "a last stable offset");
  expect_equal(of.consumer->last_stable(part), expected, "last stable offset");
}

void fetch_starts_exactly_there(fixture& where) {
  two_inputs it(where);
  const auto one = join_and_wait(where, *it.client, it.who("one"));
  for (int i = 0; i < 5; ++i) {
    expect(one->consumer->poll(milliseconds{10}) == nullptr, "nothing is fetched before it is asked for");
    where.pass(milliseconds{20});
  }
  const topic_partition part{it.topics[1], 1};
  const position from{part, 1};
  expect_done(one->consumer->fetch({&from, 1}), "fetch");
  expect_equal(fetched(where, *one, part, 2), {1, 2}, "records");
  const position back{part, 0};
  expect_done(one->consumer->fetch({&back, 1}), "fetch");
  expect_equal(fetched(where, *one, part, 3), {0, 1, 2}, "records after going back");
  expect_stable(where, *one, part, 4);
}

void open_transaction_is_not_fetched(fixture& where) {
  two_inputs it(where);
  const topic_partition part{it.topics[0], 0};
  const auto upstream = prepared(where, *it.client, where.fresh("writer"), {part.topic});
  write_open(where, *upstream, part, 2);
  const auto one = join_and_wait(where, *it.client, it.who("one"));
  const position from{part, 0};
  expect_done(one->consumer->fetch({&from, 1}), "fetch");
  expect_equal(fetched(where, *one, part, 3), {0, 1, 2}, "records before the commit");
  expect_stable(where, *one, part, 4);
  expect_done(settled(where, [&] { return upstream->commit(); }), "commit");
  expect_equal(fetched(where, *one, part, 2), {4, 5}, "records after the commit");
}

void restart_within_the_session(fixture& where) {
  two_inputs it(where);
  const auto other = where.another_client();
  auto first = join_and_wait(where, *it.client, it.who("one"));
  const auto second = join_second(it, *other, *first);
  const auto before = sorted(first->told.has);
  const int told = second->told.assignments + second->told.revocations;
  first.reset();
  first = join_and_wait(where, *it.client, it.who("one"), {second.get()});
  expect(sorted(first->told.has) == before, "the next process gets the same partitions");
  for (int more = 0; more < 10; ++more) {
    second->poll();
    where.pass(milliseconds{20});
  }
  expect_equal(second->told.assignments + second->told.revocations, told, "what the other member was told");
}

void staying_away(fixture& where) {
  two_inputs it(where);
  const auto other = where.another_client();
  auto first = join_and_wait(where, *it.client, it.who("one"));
  const auto second = join_second(it, *other, *first);
  first.reset();
  wait_until(
      where,
      [&] {
        second->poll();
        return second->told.has.size() == 4;
      },
      "the partitions of the member that stays away", where.session() + milliseconds{20'000});
}

void second_process_of_an_instance(fixture& where) {
  two_inputs it(where);
  const auto other = where.another_client();
  const auto older = join_and_wait(where, *it.client, it.who("one"));
  expect_done(older->consumer->failure(), "failure of a healthy member");
  expect(!older->consumer->assignment_lost(), "a healthy member has not lost its assignment");
  const auto newer = join_and_wait(where, *other, it.who("one"));
  wait_until(
      where,
      [&] {
        older->poll();
        newer->poll();
        return !older->consumer->failure();
      },
      "the older one's failure");
  expect_action(older->consumer->failure(), next_action::broken, "", "failure");
  expect_done(newer->consumer->failure(), "failure of the newer one");
}

} // namespace

std::vector<row> group_rows() {
  return {
      {"group", "range gives a member the same partitions of every topic", range_gives_the_same_number_of_every_topic},
      {"group", "a member fetches exactly from where it asked, and again from further back",
       fetch_starts_exactly_there},
      {"group", "a member does not fetch records of an open transaction", open_transaction_is_not_fetched},
      {"group", "a restart within the session gets the same partitions and the other member no rebalance",
       restart_within_the_session},
      {"group", "the partitions of a member that stays away go to the other", staying_away},
      {"group", "a second process of an instance makes the older one fail", second_process_of_an_instance},
  };
}

} // namespace fairuse::kafka::conformance
