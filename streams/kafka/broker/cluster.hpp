// SPDX-License-Identifier: Apache-2.0
//
// Kafka as the commit protocol uses it: a group member that fetches, a transactional producer, a reader that belongs to
// no group, and questions about topics. The engine uses brokers through this interface only, so the same protocol runs
// on real brokers (streams/kafka/broker/real_cluster.hpp) and on the simulated log of the tests.
//
// Errors are values (`call_result<T>`: a T or a `call_error`) and say what has to be done next, not only what broke.
// Nothing here throws, and only librdkafka itself retries.
// Threads: each object belongs to one thread; a cluster may be asked from any. Objects must not outlive their cluster.
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/pure/result.hpp"
#include "events/event.hpp"
#include "events/wire.hpp"

namespace fairuse::kafka {

using std::chrono::milliseconds;

/// What has to be done about a call that failed.
enum class next_action : std::uint8_t {
  again,  ///< nothing happened yet: the same call with the same arguments
  abort,  ///< this transaction cannot be committed: abort it and do the epoch again
  broken, ///< this object is of no use any more: destroy it and make another
};

struct call_error {
  next_action next = next_action::broken;
  /// Kafka's name of the error without its prefix (ILLEGAL_GENERATION), librdkafka's own with an underscore (_FENCED).
  std::string code;
  /// For people. Names topics and partitions, never a key or a value.
  std::string text;
};

template <class T = void>
using call_result = result<T, call_error>;

/// Whether a call failed so that this has to be done next.
template <class T>
bool asks_for(const call_result<T>& made, next_action next) {
  return not made and made.error().next == next;
}

struct topic_partition {
  std::string topic;
  std::int32_t partition = 0;
  // NOLINTNEXTLINE(modernize-use-nullptr): clang 14
  friend auto operator<=>(const topic_partition&, const topic_partition&) = default;
};

/// A place in a partition.
struct position {
  topic_partition of;
  std::int64_t offset = 0;
  friend bool operator==(const position&, const position&) = default;
};

/// A group's committed offset.
struct committed_offset {
  topic_partition of;
  /// -1: none.
  std::int64_t offset = -1;
  /// What was committed with it.
  std::string metadata;
};

/// The first offset that is there, and the one that the next record gets (isolation::uncommitted: the log's end) or the
/// last stable offset (isolation::committed).
struct log_range {
  std::int64_t low = 0;
  std::int64_t high = 0;
};

/// The log's end includes what open transactions wrote.
enum class isolation : std::uint8_t { committed, uncommitted };

/// As the decoder of events takes them.
using header = wire_header;

/// Views into its batch.
struct record {
  std::string_view topic;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  time_ms timestamp = 0;
  /// Nullopt: null.
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;
};

/// Records of one poll, in the order of their partitions' logs. Owns what they point at.
class record_batch {
public:
  virtual ~record_batch() = default;
  std::span<const record> records() const { return records_; }
  /// Headers of record number `i`, in their order; the views are valid as long as the batch.
  virtual std::vector<header> headers(std::size_t i) const = 0;

protected:
  std::vector<record> records_;
};

/// Told from inside group_consumer::poll.
class membership {
public:
  virtual ~membership() = default;
  /// The group gave these to the member. Nothing of them is fetched before fetch() asks for it.
  virtual void assigned(std::span<const topic_partition> partitions) = 0;
  /// The group takes everything back (range is an eager assignor). After the return they are another member's. `lost`:
  /// they already are.
  virtual void revoked(bool lost) = 0;
};

struct member {
  std::string group;
  /// group.instance.id: static membership, stable over restarts. Empty: a member that leaves when it closes.
  std::string instance;
  std::vector<std::string> topics;
};

/// A static member of a consumer group: range assignor, read_committed, no automatic commit, offset reset is an error.
class group_consumer {
public:
  virtual ~group_consumer() = default;
  /// Serve the group (heartbeats follow from being called often enough) and hand out what was fetched: at once if there
  /// is something, else after at most `wait`. Nullptr: nothing. Calls the membership.
  virtual std::unique_ptr<record_batch> poll(milliseconds wait) = 0;
  /// From now on exactly these partitions are fetched, from exactly these offsets. What was fetched before is not
  /// handed out any more. Also used to go back. REQUIRES: all of them are assigned.
  virtual call_result<> fetch(std::span<const position> from) = 0;
  /// Committed offsets of the group, in the order asked. Waits for offsets that an open transaction holds back
  /// (`again`: not yet stable).
  virtual call_result<std::vector<committed_offset>> committed(std::span<const topic_partition> partitions) = 0;
  /// The last stable offset of a fetched partition, from the last fetch; -1: not known yet.
  virtual std::int64_t last_stable(const topic_partition& of) const = 0;
  /// The group has a new generation without this member.
  virtual bool assignment_lost() const = 0;
  /// An error: fatal for this member (its instance id was taken over, for one); OFFSET_OUT_OF_RANGE: the log does not
  /// have a fetched offset any more, until the next fetch().
  virtual call_result<> failure() const = 0;
  /// Leave polling for good. A static member stays in the group until its session ends or it comes back.
  virtual void close() = 0;
};

/// One transaction at a time. Order of calls: prepare once; then begin, produce..., flush, send_offsets, commit or
/// abort. After `broken` only the destructor is left.
class transactional_producer {
public:
  virtual ~transactional_producer() = default;
  /// flush() and commit() return `again` after so long, and go on when they are called again. Otherwise they take as
  /// long as the transaction may, or as the broker needs.
  virtual void bound_calls(milliseconds) {}
  /// init_transactions, which ends what an earlier run of the same id left open, then metadata of every topic that
  /// will be written.
  virtual call_result<> prepare(std::span<const std::string> topics) = 0;
  virtual call_result<> begin() = 0;
  /// Copies. `value` nullopt is a tombstone. A refusal (too large, unknown topic) is reported by flush. Waits while the
  /// queue is full.
  virtual void produce(const std::string& topic, std::int32_t partition, std::optional<std::string_view> key,
                       std::optional<std::string_view> value, std::span<const header> headers) = 0;
  /// Wait for a report on every record. An error unless all were delivered.
  virtual call_result<> flush() = 0;
  /// Highest reported offset + 1 since begin(); -1: nothing was delivered there.
  virtual std::int64_t delivered_next(const topic_partition& of) const = 0;
  /// Group metadata is read from `as` now. Every offset carries its own metadata (ASCII).
  virtual call_result<> send_offsets(std::span<const committed_offset> offsets, group_consumer& as) = 0;
  virtual call_result<> commit() = 0;
  virtual call_result<> abort() = 0;
  /// Since begin(): a retry, a transport error or a time-out was seen, so a late request may still be under way and
  /// this producer must not begin another transaction.
  virtual bool had_errors() const = 0;
};

/// Reads partitions without a group: restore, journal, policies.
class reader {
public:
  virtual ~reader() = default;
  /// From now on exactly these.
  virtual call_result<> start(std::span<const position> from) = 0;
  virtual std::unique_ptr<record_batch> poll(milliseconds wait) = 0;
  /// Where the reader stands: past markers and records of aborted transactions.
  virtual std::int64_t position_of(const topic_partition& of) const = 0;
  /// An error: a partition is not read any further (its offset is not in the log any more, for one) until start().
  virtual call_result<> failure() const { return {}; }
};

class cluster {
public:
  virtual ~cluster() = default;
  virtual call_result<std::string> id() = 0;
  /// Partition count of each topic, in the order asked; 0: there is no such topic.
  virtual call_result<std::vector<std::int32_t>> partition_counts(std::span<const std::string> topics) = 0;
  /// Asked on a handle of its own, of the broker and not of a cache.
  virtual call_result<log_range> range(const topic_partition& of, isolation how) = 0;
  /// First offset with a timestamp at or after `at`; the log's end if there is none.
  virtual call_result<std::int64_t> offset_at(const topic_partition& of, time_ms at) = 0;

  virtual std::unique_ptr<group_consumer> join(const member& who, membership& told) = 0;
  virtual std::unique_ptr<transactional_producer> make_producer(const std::string& transactional_id) = 0;
  virtual std::unique_ptr<reader> make_reader(isolation how) = 0;
};

} // namespace fairuse::kafka
