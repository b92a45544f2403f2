// SPDX-License-Identifier: Apache-2.0

#include "tests/kafka/steps.hpp"

namespace fairuse::kafka::conformance {

namespace {

constexpr milliseconds step{20};

std::string text_of(const offsets& list) {
  std::string text;
  for (const std::int64_t offset : list)
    text += (text.empty() ? "" : " ") + std::to_string(offset);
  return "[" + text + "]";
}

std::string text_of(next_action what) {
  switch (what) {
    case next_action::again:
      return "again";
    case next_action::abort:
      return "abort";
    case next_action::broken:
      return "broken";
  }
  return "?";
}

std::string text_of(const call_result<>& seen) {
  if (seen) return "done";
  return text_of(seen.error().next) + " " + seen.error().code + " (" + seen.error().text + ")";
}

} // namespace

std::optional<group_identity> fixture::identity_of(group_consumer&) { return std::nullopt; }
std::optional<call_result<>> fixture::offer_offset(const group_identity&, const position&) { return std::nullopt; }

void expect(bool holds, const std::string& sentence) {
  if (!holds) throw mismatch("expected that " + sentence);
}

void expect_equal(std::int64_t seen, std::int64_t expected, const std::string& what) {
  if (seen != expected)
    throw mismatch(what + ": expected " + std::to_string(expected) + ", seen " + std::to_string(seen));
}

void expect_equal(const offsets& seen, const offsets& expected, const std::string& what) {
  if (seen != expected) throw mismatch(what + ": expected " + text_of(expected) + ", seen " + text_of(seen));
}

void expect_done(const call_result<>& seen, const std::string& what) {
  if (!seen) throw mismatch(what + ": expected done, seen " + text_of(seen));
}

void expect_action(const call_result<>& seen, next_action expected, std::string_view code, const std::string& what) {
  if (asks_for(seen, expected) && (code.empty() || seen.error().code == code)) return;
  throw mismatch(what + ": expected " + text_of(expected) + " " + std::string(code) + ", seen " + text_of(seen));
}

void wait_until(fixture& where, const std::function<bool()>& holds, const std::string& what, milliseconds limit) {
  for (milliseconds waited{0}; waited < limit; waited += step) {
    if (holds()) return;
    where.pass(step);
  }
  throw mismatch("waited in vain for " + what);
}

std::unique_ptr<transactional_producer> prepared(fixture& where, cluster& by, const std::string& id,
                                                 std::initializer_list<std::string> topics) {
  auto made = by.make_producer(id);
  const std::vector<std::string> all(topics);
  expect_done(settled(where, [&] { return made->prepare(all); }), "prepare");
  return made;
}

void begin_with(transactional_producer& by, const topic_partition& to, int count) {
  expect_done(by.begin(), "begin");
  for (int i = 0; i < count; ++i)
    by.produce(to.topic, to.partition, "key" + std::to_string(i), "value", {});
}

void write_open(fixture& where, transactional_producer& by, const topic_partition& to, int count) {
  begin_with(by, to, count);
  expect_done(settled(where, [&] { return by.flush(); }), "flush");
}

void write_committed(fixture& where, transactional_producer& by, const topic_partition& to, int count) {
  write_open(where, by, to, count);
  expect_done(settled(where, [&] { return by.commit(); }), "commit");
}

void write_aborted(fixture& where, transactional_producer& by, const topic_partition& to, int count) {
  write_open(where, by, to, count);
  expect_done(settled(where, [&] { return by.abort(); }), "abort");
}

offsets read_to(fixture& where, cluster& by, isolation how, const position& from, std::int64_t end) {
  const auto made = by.make_reader(how);
  expect_done(made->start({&from, 1}), "start of a reader");
  offsets seen;
  const auto take = [&] {
    if (const auto batch = made->poll(milliseconds{10}))
      for (const record& each : batch->records())
        seen.push_back(each.offset);
  };
  wait_until(
      where,
      [&] {
        take();
        return made->position_of(from.of) >= end;
      },
      "a reader to stand at " + std::to_string(end));
  // Polls in which an unwanted record would come.
  for (int more = 0; more < 10; ++more) {
    take();
    where.pass(step);
  }
  expect_equal(made->position_of(from.of), end, "position of the reader");
  return seen;
}

log_range range_of(fixture& where, cluster& by, const topic_partition& of, isolation how) {
  return value_of(
      where, [&] { return by.range(of, how); }, "range");
}

std::unique_ptr<joined_member> join_without_poll(cluster& by, const member& who) {
  auto made = std::make_unique<joined_member>();
  made->consumer = by.join(who, made->told);
  return made;
}

std::unique_ptr<joined_member> join_and_wait(fixture& where, cluster& by, const member& who,
                                             std::initializer_list<joined_member*> beside) {
  auto made = join_without_poll(by, who);
  wait_until(
      where,
      [&] {
        made->poll();
        for (joined_member* other : beside)
          other->poll();
        return made->told.assignments > 0;
      },
      "an assignment");
  return made;
}

std::vector<committed_offset> committed_of(fixture& where, group_consumer& by, std::span<const topic_partition> parts) {
  auto seen = value_of(
      where, [&] { return by.committed(parts); }, "committed offsets");
  expect_equal(static_cast<std::int64_t>(seen.size()), static_cast<std::int64_t>(parts.size()), "number of offsets");
  return seen;
}

} // namespace fairuse::kafka::conformance
