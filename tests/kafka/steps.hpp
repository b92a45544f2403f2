// SPDX-License-Identifier: Apache-2.0
//
// Functions of the conformance table: calls on the port that wait as the engine would, and expectations that say what
// was expected and what was seen.
// Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/kafka/conformance.hpp"

namespace fairuse::kafka::conformance {

/// The rows of each section, in the table's order.
std::vector<row> log_rows();
std::vector<row> fencing_rows();
std::vector<row> offset_rows();
std::vector<row> group_rows();

using offsets = std::vector<std::int64_t>;

// --- expectations

void expect(bool holds, const std::string& sentence);
void expect_equal(std::int64_t seen, std::int64_t expected, const std::string& what);
void expect_equal(const offsets& seen, const offsets& expected, const std::string& what);
void expect_done(const call_result<>& seen, const std::string& what);
/// Code empty: any.
void expect_action(const call_result<>& seen, next_action expected, std::string_view code, const std::string& what);

// --- waiting

/// Pass time until it holds. A mismatch after `limit`.
void wait_until(fixture& where, const std::function<bool()>& holds, const std::string& what,
                milliseconds limit = milliseconds{60'000});
/// The call's first answer that is not `again`. A mismatch after a minute.
template <class Call>
auto settled(fixture& where, const Call& call) {
  decltype(call()) last;
  const auto ask = [&] {
    last = call();
    return !asks_for(last, next_action::again);
  };
  wait_until(where, ask, "an answer");
  return last;
}
/// The value that it ends with. A mismatch if it fails.
template <class Call>
auto value_of(fixture& where, const Call& call, const std::string& what) {
  auto seen = settled(where, call);
  if (!seen) expect_done(seen.error(), what);
  return std::move(*seen);
}

// --- producers

std::unique_ptr<transactional_producer> prepared(fixture& where, cluster& by, const std::string& id,
                                                 std::initializer_list<std::string> topics);
/// begin, `count` records to the partition; nothing is flushed.
void begin_with(transactional_producer& by, const topic_partition& to, int count);
/// The same, flushed.
void write_open(fixture& where, transactional_producer& by, const topic_partition& to, int count);
void write_committed(fixture& where, transactional_producer& by, const topic_partition& to, int count);
void write_aborted(fixture& where, transactional_producer& by, const topic_partition& to, int count);

// --- readers

/// Offsets of all records that a new reader gets from `from` until it stands at `end`; and it must stay there.
offsets read_to(fixture& where, cluster& by, isolation how, const position& from, std::int64_t end);
log_range range_of(fixture& where, cluster& by, const topic_partition& of, isolation how);

// --- members

/// Keeps the group's assignments and revocations.
class watcher : public membership {
public:
  void assigned(std::span<const topic_partition> parts) override {
    has.assign(parts.begin(), parts.end());
    ++assignments;
  }
  void revoked(bool lost) override {
    has.clear();
    ++revocations;
    was_lost = lost;
  }

  std::vector<topic_partition> has;
  int assignments = 0;
  int revocations = 0;
  bool was_lost = false;
};

/// A member and its watcher, which must outlive the consumer.
struct joined_member {
  watcher told;
  std::unique_ptr<group_consumer> consumer;

  void poll() { consumer->poll(milliseconds{10}); }
};

/// Joins and polls, as do all in `beside`, until the group gave it something.
std::unique_ptr<joined_member> join_and_wait(fixture& where, cluster& by, const member& who,
                                             std::initializer_list<joined_member*> beside = {});
/// Joins without a poll.
std::unique_ptr<joined_member> join_without_poll(cluster& by, const member& who);
std::vector<committed_offset> committed_of(fixture& where, group_consumer& by, std::span<const topic_partition> parts);

} // namespace fairuse::kafka::conformance
