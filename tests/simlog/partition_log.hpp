// SPDX-License-Identifier: Apache-2.0
//
// One partition's log as a broker keeps it: records, control markers (each takes one offset), and which transaction
// each record belongs to. Invariants: offsets grow; log_start <= last_stable <= log_end; whether a record is
// committed is decided once. Threads: one.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "streams/kafka/broker/cluster.hpp"

namespace fairuse::simlog {

using producer_number = std::int64_t;

struct stored_record {
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
};

enum class entry_kind : std::uint8_t { record, commit_marker, abort_marker };
enum class ending : std::uint8_t { open, committed, aborted };

struct log_entry {
  std::int64_t offset = 0;
  entry_kind kind = entry_kind::record;
  ending ended = ending::open;
  producer_number by = -1;
  time_ms timestamp = 0;
  stored_record what;

  /// Whether a reader gets it.
  bool shown_to(kafka::isolation how) const {
    return kind == entry_kind::record && (how == kafka::isolation::uncommitted || ended == ending::committed);
  }
};

class partition_log {
public:
  /// Returns the offset.
  std::int64_t append(producer_number by, time_ms now, stored_record what);
  /// Of a producer without transactions.
  std::int64_t append_alone(time_ms now, stored_record what);
  /// Writes the marker, also where `by` wrote nothing, and decides every open record of `by`.
  void end_transaction(producer_number by, time_ms now, bool commit);

  std::int64_t log_start() const { return start_; }
  std::int64_t log_end() const { return next_; }
  std::int64_t last_stable() const;
  std::int64_t limit(kafka::isolation how) const { return how == kafka::isolation::committed ? last_stable() : next_; }
  const std::deque<log_entry>& entries() const { return entries_; }
  /// Index of the first entry at or behind `offset`.
  std::size_t index_of(std::int64_t offset) const;

  /// As retention does. Never beyond the last stable offset.
  void delete_before(std::int64_t offset);
  /// As the cleaner does: below the last stable offset only the last committed record of each key stays (tombstones
  /// too), aborted records go, markers stay, offsets do not change.
  void compact();

private:
  std::deque<log_entry> entries_;
  /// Offsets of each producer's undecided records, in order.
  std::map<producer_number, std::vector<std::int64_t>> open_;
  std::int64_t start_ = 0;
  std::int64_t next_ = 0;
};

} // namespace fairuse::simlog
