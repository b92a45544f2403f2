// SPDX-License-Identifier: Apache-2.0
//
// Group metadata in an offset commit of a transaction: which is accepted and which is refused.

#include "tests/kafka/steps.hpp"

namespace fairuse::kafka::conformance {

namespace {

/// A group with one member, and a producer.
struct group_with_writer {
  explicit group_with_writer(fixture& place) : where(place), client(place.another_client()) {
    input = {where.fresh("input"), 0};
    output = {where.fresh("output"), 0};
    where.make_topic(input.topic, 2);
    where.make_topic(output.topic, 1);
    one = {where.fresh("group"), "one", {input.topic}};
    first = join_and_wait(where, *client, one);
    writer = prepared(where, *client, where.fresh("writer"), {output.topic});
  }

  call_result<> send(std::int64_t offset, group_consumer& as, std::string_view metadata = "v1;e=0") const {
    const committed_offset at{input, offset, std::string(metadata)};
    return settled(where, [&] { return writer->send_offsets({&at, 1}, as); });
  }
  call_result<> commit() const {
    return settled(where, [&] { return writer->commit(); });
  }
  call_result<> abort() const {
    return settled(where, [&] { return writer->abort(); });
  }
  committed_offset stored(joined_member& by) const { return committed_of(where, *by.consumer, {&input, 1}).at(0); }
  group_identity known(joined_member& of) const {
    const auto who = where.identity_of(*of.consumer);
    if (!who) throw not_shown("this place does not tell a member's identity");
    return *who;
  }
  call_result<> offer(const group_identity& as) const {
    const auto seen = where.offer_offset(as, {input, 0});
    if (!seen) throw not_shown("this place sends no offsets under a made-up identity");
    return *seen;
  }
  /// The refusal, what follows from it, and that the next transaction works.
  void expect_refused(group_consumer& as, std::string_view code, joined_member& healthy) const {
    write_open(where, *writer, output, 1);
    expect_action(send(7, as), next_action::abort, code, "offsets");
    expect_action(commit(), next_action::abort, code, "commit after refused offsets");
    expect_done(abort(), "abort after refused offsets");
    write_open(where, *writer, output, 1);
    expect_done(send(9, *healthy.consumer), "offsets of the next transaction");
    expect_done(commit(), "commit of the next transaction");
    expect_equal(stored(healthy).offset, 9, "committed offset");
  }

  fixture& where;
  std::unique_ptr<cluster> client;
  topic_partition input;
  topic_partition output;
  member one;
  std::unique_ptr<joined_member> first;
  std::unique_ptr<transactional_producer> writer;
};

void offsets_come_with_the_commit(fixture& where) {
  group_with_writer it(where);
  expect_equal(it.stored(*it.first).offset, -1, "committed offset before");
  write_open(where, *it.writer, it.output, 1);
  expect_done(it.send(5, *it.first->consumer, "v1;e=41"), "offsets");
  expect_done(it.commit(), "commit");
  const committed_offset seen = it.stored(*it.first);
  expect_equal(seen.offset, 5, "committed offset");
  expect(seen.metadata == "v1;e=41", "the metadata comes back");
  write_open(where, *it.writer, it.output, 1);
  expect_done(it.send(8, *it.first->consumer), "offsets");
  expect_done(it.abort(), "abort");
  expect_equal(it.stored(*it.first).offset, 5, "committed offset after an abort");
}

void offsets_alone_make_a_transaction(fixture& where) {
  group_with_writer it(where);
  expect_done(it.writer->begin(), "begin");
  expect_done(it.send(3, *it.first->consumer), "offsets");
  expect_done(it.commit(), "commit");
  expect_equal(it.stored(*it.first).offset, 3, "committed offset");
}

void pending_offsets_are_waited_for(fixture& where) {
  group_with_writer it(where);
  expect_done(it.writer->begin(), "begin");
  expect_done(it.send(3, *it.first->consumer), "offsets");
  const auto seen = it.first->consumer->committed({&it.input, 1});
  expect(asks_for(seen, next_action::again), "offsets that are pending are asked for again");
  expect_done(it.commit(), "commit");
  expect_equal(it.stored(*it.first).offset, 3, "committed offset");
}

void previous_generation(fixture& where) {
  group_with_writer it(where);
  const group_identity before = it.known(*it.first);
  const member two{it.one.group, "two", it.one.topics};
  const auto second = join_and_wait(where, *it.client, two, {it.first.get()});
  wait_until(
      where,
      [&] {
        it.first->poll();
        second->poll();
        return it.first->told.assignments == 2;
      },
      "the first member's second assignment");
  expect_action(it.offer(before), next_action::abort, "ILLEGAL_GENERATION", "offsets of the previous generation");
  expect_done(it.offer(it.known(*it.first)), "offsets of this generation");
}

void member_whose_session_ended(fixture& where) {
  group_with_writer it(where);
  const auto other = where.another_client();
  const member two{it.one.group, "two", it.one.topics};
  auto second = join_and_wait(where, *other, two, {it.first.get()});
  second->consumer->close();
  const int before = it.first->told.assignments;
  wait_until(
      where,
      [&] {
        it.first->poll();
        return it.first->told.assignments > before && it.first->told.has.size() == 2;
      },
      "the end of the session");
  it.expect_refused(*second->consumer, "UNKNOWN_MEMBER_ID", *it.first);
}

void member_replaced_by_a_new_process(fixture& where) {
  group_with_writer it(where);
  const auto other = where.another_client();
  const auto next_process = join_and_wait(where, *other, it.one);
  it.expect_refused(*it.first->consumer, "FENCED_INSTANCE_ID", *next_process);
}

void member_that_has_not_joined(fixture& where) {
  group_with_writer it(where);
  const auto other = where.another_client();
  const auto outsider = join_without_poll(*other, {it.one.group, "outsider", it.one.topics});
  // UNKNOWN_MEMBER_ID, or FENCED_INSTANCE_ID once its first request to join has got that far by itself.
  it.expect_refused(*outsider->consumer, "", *it.first);
}

void member_that_closed(fixture& where) {
  group_with_writer it(where);
  it.first->consumer->close();
  write_open(where, *it.writer, it.output, 1);
  expect_done(it.send(4, *it.first->consumer), "offsets of a member that closed");
  expect_done(it.commit(), "commit");
}

void no_member_at_all(fixture& where) {
  group_with_writer it(where);
  expect_done(it.offer({it.one.group, -1, "", ""}), "offsets of no member, in a live group");
}

void unknown_instance(fixture& where) {
  group_with_writer it(where);
  expect_action(it.offer({it.one.group, -1, "", "outsider"}), next_action::abort, "UNKNOWN_MEMBER_ID",
                "offsets of an unknown instance");
}

} // namespace

std::vector<row> offset_rows() {
  return {
      {"offsets", "offsets and their metadata come with the commit and not with an abort",
       offsets_come_with_the_commit},
      {"offsets", "offsets alone make a transaction", offsets_alone_make_a_transaction},
      {"offsets", "offsets of an open transaction are waited for", pending_offsets_are_waited_for},
      {"offsets", "the previous generation is refused", previous_generation},
      {"offsets", "a member whose session ended is refused", member_whose_session_ended},
      {"offsets", "a static member replaced by a new process is refused", member_replaced_by_a_new_process},
      {"offsets", "a static member that has not joined is refused", member_that_has_not_joined},
      {"offsets", "a static member that closed and was not replaced is accepted", member_that_closed},
      {"offsets", "an unknown instance is refused", unknown_instance},
      {"offsets", "no member at all is accepted: the gap", no_member_at_all},
  };
}

} // namespace fairuse::kafka::conformance
