// SPDX-License-Identifier: Apache-2.0

#include <algorithm>

#include "tests/kafka/steps.hpp"

namespace fairuse::kafka::conformance {

namespace {

/// 0-2 committed, 3 marker, 4-6 aborted, 7 marker, 8-10 open.
struct sample_log {
  explicit sample_log(fixture& place) : where(place), client(place.another_client()), part{place.fresh("log"), 0} {
    where.make_topic(part.topic, 1);
    writer = prepared(where, *client, where.fresh("writer"), {part.topic});
    write_committed(where, *writer, part, 3);
    write_aborted(where, *writer, part, 3);
    write_open(where, *writer, part, 3);
  }

  fixture& where;
  std::unique_ptr<cluster> client;
  topic_partition part;
  std::unique_ptr<transactional_producer> writer;
};

void committed_reader_stops_at_the_last_stable_offset(fixture& where) {
  sample_log log(where);
  expect_equal(read_to(where, *log.client, isolation::committed, {log.part, 0}, 8), {0, 1, 2}, "records");
  const log_range seen = range_of(where, *log.client, log.part, isolation::committed);
  expect_equal(seen.low, 0, "low");
  expect_equal(seen.high, 8, "last stable offset");
}

void uncommitted_reader_sees_everything_but_markers(fixture& where) {
  sample_log log(where);
  expect_equal(read_to(where, *log.client, isolation::uncommitted, {log.part, 0}, 11), {0, 1, 2, 4, 5, 6, 8, 9, 10},
               "records");
  expect_equal(range_of(where, *log.client, log.part, isolation::uncommitted).high, 11, "end of the log");
}

void commit_shows_the_records(fixture& where) {
  sample_log log(where);
  expect_done(settled(where, [&] { return log.writer->commit(); }), "commit");
  expect_equal(read_to(where, *log.client, isolation::committed, {log.part, 0}, 12), {0, 1, 2, 8, 9, 10}, "records");
  expect_equal(range_of(where, *log.client, log.part, isolation::committed).high, 12, "last stable offset");
  expect_equal(range_of(where, *log.client, log.part, isolation::uncommitted).high, 12, "end of the log");
}

void abort_hides_the_records(fixture& where) {
  sample_log log(where);
  expect_done(settled(where, [&] { return log.writer->abort(); }), "abort");
  expect_equal(read_to(where, *log.client, isolation::committed, {log.part, 0}, 12), {0, 1, 2}, "records");
}

void reader_that_starts_among_aborted_records_reaches_the_end(fixture& where) {
  sample_log log(where);
  expect_equal(read_to(where, *log.client, isolation::committed, {log.part, 5}, 8), offsets{}, "records");
}

void marker_takes_one_offset_in_each_partition_that_was_written(fixture& where) {
  const auto client = where.another_client();
  const std::string topic = where.fresh("markers");
  where.make_topic(topic, 3);
  const auto writer = prepared(where, *client, where.fresh("writer"), {topic});
  expect_done(writer->begin(), "begin");
  for (const std::int32_t partition : {0, 0, 2})
    writer->produce(topic, partition, "k", "v", {});
  expect_done(settled(where, [&] { return writer->flush(); }), "flush");
  expect_equal(writer->delivered_next({topic, 0}), 2, "delivered to 0");
  expect_equal(writer->delivered_next({topic, 1}), -1, "delivered to 1");
  expect_equal(writer->delivered_next({topic, 2}), 1, "delivered to 2");
  expect_done(settled(where, [&] { return writer->commit(); }), "commit");
  // The markers are written after the commit was answered.
  const auto ends = [&](std::int32_t partition) {
    return range_of(where, *client, {topic, partition}, isolation::uncommitted).high;
  };
  wait_until(
      where, [&] { return ends(0) == 3 && ends(2) == 2; }, "one marker in each");
  expect_equal(ends(1), 0, "end of the partition that was not written");
}

void empty_transaction_writes_nothing(fixture& where) {
  const auto client = where.another_client();
  const topic_partition part{where.fresh("empty"), 0};
  where.make_topic(part.topic, 1);
  const auto writer = prepared(where, *client, where.fresh("writer"), {part.topic});
  for (int i = 0; i < 2; ++i) {
    expect_done(writer->begin(), "begin");
    expect_done(settled(where, [&] { return i == 0 ? writer->commit() : writer->abort(); }), "end");
  }
  expect_equal(range_of(where, *client, part, isolation::uncommitted).high, 0, "end of the log");
}

void abort_without_a_flush_leaves_nothing(fixture& where) {
  const auto client = where.another_client();
  const topic_partition part{where.fresh("unsent"), 0};
  where.make_topic(part.topic, 1);
  const auto writer = prepared(where, *client, where.fresh("writer"), {part.topic});
  begin_with(*writer, part, 3);
  expect_done(settled(where, [&] { return writer->abort(); }), "abort");
  // The port has no delayed sending of its own: with linger the records never left. Whatever left is aborted.
  const std::int64_t end = range_of(where, *client, part, isolation::uncommitted).high;
  if (end == 0) return;
  expect_equal(read_to(where, *client, isolation::committed, {part, 0}, end), offsets{}, "committed records");
}

void two_transactions_hold_back_what_comes_after_the_first(fixture& where) {
  const auto client = where.another_client();
  const topic_partition part{where.fresh("two"), 0};
  where.make_topic(part.topic, 1);
  const auto first = prepared(where, *client, where.fresh("writer"), {part.topic});
  const auto second = prepared(where, *client, where.fresh("writer"), {part.topic});
  write_open(where, *first, part, 1);
  write_committed(where, *second, part, 1);
  expect_equal(range_of(where, *client, part, isolation::committed).high, 0, "last stable offset");
  expect_done(settled(where, [&] { return first->abort(); }), "abort");
  wait_until(
      where, [&] { return range_of(where, *client, part, isolation::committed).high == 4; }, "the last stable offset");
  expect_equal(read_to(where, *client, isolation::committed, {part, 0}, 4), {1}, "records");
}

void records_come_as_they_were_sent(fixture& where) {
  const auto client = where.another_client();
  const topic_partition part{where.fresh("bytes"), 0};
  where.make_topic(part.topic, 1);
  const auto writer = prepared(where, *client, where.fresh("writer"), {part.topic});
  expect_done(writer->begin(), "begin");
  const std::string bytes("a\0b", 3);
  const std::vector<header> headers{{"one", bytes}, {"none", std::nullopt}, {"one", ""}};
  writer->produce(part.topic, 0, bytes, std::nullopt, headers);
  writer->produce(part.topic, 0, std::nullopt, bytes, {});
  expect_done(settled(where, [&] { return writer->flush(); }), "flush");
  expect_done(settled(where, [&] { return writer->commit(); }), "commit");
  const auto made = client->make_reader(isolation::committed);
  const position start{part, 0};
  expect_done(made->start({&start, 1}), "start");
  std::size_t got = 0;
  wait_until(
      where,
      [&] {
        const auto batch = made->poll(milliseconds{10});
        for (std::size_t i = 0; batch && i < batch->records().size(); ++i, ++got) {
          const record& each = batch->records()[i];
          const bool tombstone = got == 0;
          expect(each.key == (tombstone ? std::optional<std::string_view>(bytes) : std::nullopt),
                 "the key is the same");
          expect(each.value == (tombstone ? std::nullopt : std::optional<std::string_view>(bytes)),
                 "the value is the same");
          expect(batch->headers(i).empty() != tombstone, "only the first has headers");
          const auto seen = batch->headers(i);
          expect(std::equal(seen.begin(), seen.end(), headers.begin(), headers.begin() + (tombstone ? 3 : 0),
                            [](const header& a, const header& b) { return a.name == b.name && a.value == b.value; }),
                 "the headers are the same, in their order");
        }
        return got == 2;
      },
      "two records");
}

void topics_are_counted(fixture& where) {
  const auto client = where.another_client();
  const std::vector<std::string> names{where.fresh("three"), where.fresh("missing")};
  where.make_topic(names[0], 3);
  const auto counts = value_of(
      where, [&] { return client->partition_counts(names); }, "partition counts");
  expect(counts == std::vector<std::int32_t>{3, 0}, "there are three partitions of one topic, and no other topic");
  const auto one = value_of(
      where, [&] { return client->id(); }, "id");
  const auto other = value_of(
      where, [&] { return where.another_client()->id(); }, "id");
  expect(!one.empty() && one == other, "a cluster has one id");
}

// --- death of a client

void next_process_ends_the_old_transaction_at_once(fixture& where) {
  const auto client = where.another_client();
  const topic_partition part{where.fresh("died"), 0};
  where.make_topic(part.topic, 1);
  const std::string id = where.fresh("writer");
  auto writer = prepared(where, *client, id, {part.topic});
  write_open(where, *writer, part, 2);
  const auto other = prepared(where, *client, where.fresh("writer"), {part.topic});
  write_committed(where, *other, part, 1);
  writer.reset();
  writer = prepared(where, *client, id, {part.topic});
  // 0 1 aborted, 2 committed, 3 and 4 the markers.
  expect_equal(range_of(where, *client, part, isolation::committed).high, 5, "last stable offset");
  expect_equal(read_to(where, *client, isolation::committed, {part, 0}, 5), {2}, "records");
}

void no_process_comes_back(fixture& where) {
  const auto client = where.client_with(short_transaction);
  const topic_partition part{where.fresh("died"), 0};
  where.make_topic(part.topic, 1);
  auto writer = prepared(where, *client, where.fresh("writer"), {part.topic});
  write_open(where, *writer, part, 2);
  writer.reset();
  expect_equal(range_of(where, *client, part, isolation::committed).high, 0, "last stable offset");
  const milliseconds limit = short_transaction + 2 * where.scan() + milliseconds{10'000};
  wait_until(
      where, [&] { return range_of(where, *client, part, isolation::committed).high == 3; }, "the coordinator's abort",
      limit);
  expect_equal(read_to(where, *client, isolation::committed, {part, 0}, 3), offsets{}, "records");
}

} // namespace

std::vector<row> log_rows() {
  return {
      {"log", "while a transaction is open a committed reader ends at the last stable offset",
       committed_reader_stops_at_the_last_stable_offset},
      {"log", "while a transaction is open an uncommitted reader sees all but markers",
       uncommitted_reader_sees_everything_but_markers},
      {"log", "after the commit its records are there", commit_shows_the_records},
      {"log", "after the abort its records are not there", abort_hides_the_records},
      {"log", "a reader that starts inside an aborted transaction gets nothing and reaches the end",
       reader_that_starts_among_aborted_records_reaches_the_end},
      {"log", "a marker takes one offset in each partition of its transaction",
       marker_takes_one_offset_in_each_partition_that_was_written},
      {"log", "an empty transaction writes nothing", empty_transaction_writes_nothing},
      {"log", "an abort without a flush leaves nothing to read", abort_without_a_flush_leaves_nothing},
      {"log", "an open transaction holds back the records behind it",
       two_transactions_hold_back_what_comes_after_the_first},
      {"log", "keys, values and headers come as they were sent", records_come_as_they_were_sent},
      {"log", "a topic tells its partitions and a cluster its id", topics_are_counted},
      {"death", "the next process of an id ends the old transaction at once",
       next_process_ends_the_old_transaction_at_once},
      {"death", "a transaction that is not taken up again is aborted after its time-out", no_process_comes_back},
  };
}

} // namespace fairuse::kafka::conformance
