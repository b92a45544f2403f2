// SPDX-License-Identifier: Apache-2.0

#include "tests/kafka/steps.hpp"

namespace fairuse::kafka::conformance {

namespace {

/// A producer, a member to commit offsets as, and the id that the next process will take.
struct writer_in_a_group {
  explicit writer_in_a_group(fixture& place) : writer_in_a_group(place, place.another_client()) {}

  writer_in_a_group(fixture& place, std::unique_ptr<cluster> with)
    : where(place), client(std::move(with)), part{place.fresh("fenced"), 0}, id(place.fresh("writer")) {
    where.make_topic(part.topic, 1);
    where.make_topic(input.topic = where.fresh("input"), 1);
    member who{where.fresh("group"), "one", {input.topic}};
    as = join_and_wait(where, *client, who);
    older = prepared(where, *client, id, {part.topic});
  }

  void fence() { newer = prepared(where, *client, id, {part.topic}); }
  call_result<> flush() const {
    return settled(where, [&] { return older->flush(); });
  }
  call_result<> send_offsets() const {
    const committed_offset at{input, 0, "v1;e=0"};
    return settled(where, [&] { return older->send_offsets({&at, 1}, *as->consumer); });
  }
  call_result<> commit() const {
    return settled(where, [&] { return older->commit(); });
  }
  call_result<> abort() const {
    return settled(where, [&] { return older->abort(); });
  }
  void expect_useless() const {
    expect_action(abort(), next_action::broken, "_FENCED", "abort of a fenced producer");
    expect_action(older->begin(), next_action::broken, "_FENCED", "begin of a fenced producer");
  }
  /// A fence that met unsent records: commit and abort are answered in one of two ways each (docs/kafka-notes.md).
  void expect_commit_refused() const {
    const auto seen = commit();
    const bool late = is_invalid_state(seen);
    expect_action(seen, late ? next_action::abort : next_action::broken, late ? "INVALID_TXN_STATE" : "_FENCED",
                  "commit of a producer fenced with unsent records");
  }
  void expect_useless_or_ended() const {
    const auto seen = abort();
    expect_action(seen, next_action::broken, is_invalid_state(seen) ? "INVALID_TXN_STATE" : "_FENCED",
                  "abort of a producer fenced with unsent records");
    expect_action(older->begin(), next_action::broken, "", "begin of a producer fenced with unsent records");
  }
  static bool is_invalid_state(const call_result<>& seen) {
    return not seen and seen.error().code == "INVALID_TXN_STATE";
  }
  void expect_nothing_is_visible() const {
    const std::int64_t end = range_of(where, *client, part, isolation::uncommitted).high;
    expect_equal(read_to(where, *client, isolation::committed, {part, 0}, end), offsets{}, "committed records");
  }

  fixture& where;
  std::unique_ptr<cluster> client;
  topic_partition part;
  topic_partition input;
  std::string id;
  std::unique_ptr<joined_member> as;
  std::unique_ptr<transactional_producer> older;
  std::unique_ptr<transactional_producer> newer;
};

void fenced_with_unsent_records(fixture& where) {
  writer_in_a_group it(where);
  begin_with(*it.older, it.part, 2);
  it.fence();
  // Records may leave by themselves before the newer producer exists.
  const bool left_before = it.flush().has_value();
  expect_equal(it.older->delivered_next(it.part), left_before ? 2 : -1, "delivered");
  it.expect_commit_refused();
  it.expect_useless_or_ended();
  it.expect_nothing_is_visible();
}

void fenced_then_produces(fixture& where) {
  writer_in_a_group it(where);
  write_committed(where, *it.older, it.part, 1);
  it.fence();
  begin_with(*it.older, it.part, 2);
  expect(!it.flush(), "flush of a fenced producer tells that nothing was delivered");
  expect_equal(it.older->delivered_next(it.part), -1, "delivered");
  expect_action(it.commit(), next_action::broken, "_FENCED", "commit of a producer that was fenced and then produced");
  it.expect_useless_or_ended();
}

void fenced_after_flush(fixture& where) {
  writer_in_a_group it(where);
  write_open(where, *it.older, it.part, 2);
  it.fence();
  expect_action(it.send_offsets(), next_action::broken, "_FENCED", "offsets of a producer fenced after its flush");
  it.expect_useless();
  it.expect_nothing_is_visible();
}

void fenced_after_offsets(fixture& where) {
  writer_in_a_group it(where);
  write_open(where, *it.older, it.part, 2);
  expect_done(it.send_offsets(), "offsets");
  it.fence();
  expect_action(it.commit(), next_action::broken, "_FENCED", "commit of a producer fenced after its offsets");
  it.expect_useless();
  it.expect_nothing_is_visible();
  expect_equal(committed_of(where, *it.as->consumer, {&it.input, 1}).at(0).offset, -1, "committed offset");
}

void timed_out_by_the_coordinator(fixture& where) {
  writer_in_a_group it(where, where.client_with(short_transaction));
  write_open(where, *it.older, it.part, 2);
  wait_until(
      where,
      [&] {
        it.as->poll();
        return range_of(where, *it.client, it.part, isolation::committed).high == 3;
      },
      "the coordinator's abort", short_transaction + 2 * where.scan() + milliseconds{10'000});
  expect_action(it.commit(), next_action::broken, "_FENCED", "commit of a transaction that was timed out");
  it.expect_useless();
}

void newer_one_works(fixture& where) {
  writer_in_a_group it(where);
  write_open(where, *it.older, it.part, 2);
  it.fence();
  write_committed(where, *it.newer, it.part, 1);
  expect_action(it.commit(), next_action::broken, "_FENCED", "commit of the older producer");
  // 0 1 aborted, 2 their marker, 3 committed, 4 its marker.
  expect_equal(read_to(where, *it.client, isolation::committed, {it.part, 0}, 5), {3}, "records");
}

} // namespace

std::vector<row> fencing_rows() {
  return {
      {"fencing", "a producer fenced before its flush tells what was delivered and is broken",
       fenced_with_unsent_records},
      {"fencing", "a producer that is fenced and then produces is broken at its commit", fenced_then_produces},
      {"fencing", "a producer fenced after flush is broken at its offsets", fenced_after_flush},
      {"fencing", "a producer fenced after its offsets is broken at its commit", fenced_after_offsets},
      {"fencing", "a transaction that the coordinator timed out is broken like a fenced one",
       timed_out_by_the_coordinator},
      {"fencing", "the newer producer of an id works and the older one stays broken", newer_one_works},
  };
}

} // namespace fairuse::kafka::conformance
