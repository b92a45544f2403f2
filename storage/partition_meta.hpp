// SPDX-License-Identifier: Apache-2.0
//
// Two records of a partition on Kafka: the meta record, which ends every epoch in the changelog and stands in the
// store, and the journal record of an epoch. Plain structs and their bytes; decoding fails instead of guessing.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/pure/result.hpp"
#include "events/refusal.hpp"
#include "storage/local_store.hpp"

namespace fairuse {

/// The next offset that an input will be read from.
struct input_next {
  std::string topic;
  std::int64_t next = 0;
  friend bool operator==(const input_next&, const input_next&) = default;
};

struct partition_meta {
  /// Last committed epoch. The first is number 0: it sets the start of the inputs and holds no event.
  std::uint64_t epoch = 0;
  time_ms now = 0;
  /// All inputs of the partition, by topic.
  std::vector<input_next> inputs;
  /// SHA-256, raw, over the journal so far.
  std::string chain;
  std::string cluster;
  std::uint32_t partitions = 0;
  /// Which of them this is; nullopt in what was written before there was such a field.
  std::optional<std::uint32_t> partition;
  stored_controls controls;
  /// Small values of the caller (last values of the configuration, profiles and their ages).
  std::map<std::string, std::string> settings;
  /// Of the case key.
  std::string key_check;

  // Of the store, not of the changelog.

  /// The changelog is in the store up to here; -1: nothing is.
  std::int64_t changelog_next = -1;
  /// Wall clock; a store that may have missed tombstones is not used.
  time_ms saved_at = 0;
  /// A restore was begun and has not reached its end.
  bool restoring = false;
  friend bool operator==(const partition_meta&, const partition_meta&) = default;
};

/// `of_store`: with the store's own fields.
std::string encode_partition_meta(const partition_meta& meta, bool of_store);
enum class meta_fault : std::uint8_t { damaged, newer };
result<partition_meta, meta_fault> decode_partition_meta(std::string_view row);

/// Offsets [from, next) of an input; `count` records are in it.
struct input_range {
  std::uint32_t topic = 0;
  std::int64_t from = 0;
  std::int64_t next = 0;
  std::uint32_t count = 0;
  friend bool operator==(const input_range&, const input_range&) = default;
};

struct refused_input {
  std::uint32_t topic = 0;
  std::int64_t offset = 0;
  refusal why = refusal::not_json;
  std::string place;
  friend bool operator==(const refused_input&, const refused_input&) = default;
};

/// The settings of the rules of a partition; in the journal after each takeover, so that a replay needs nothing but
/// journal, policies and inputs.
struct partition_setup {
  std::vector<std::string> topics;
  std::int32_t partition = 0;
  std::uint32_t partitions = 0;
  /// `source` of decisions.
  std::string source;
  std::int64_t usage_retention_ms = 0;
  /// Of users' own logs.
  std::int64_t decision_retention_ms = 0;
  std::int64_t horizon_ms = 0;
  std::string profiles;
  std::string partitioner;
  std::string key_check;
  /// Version of the program, for people.
  std::string program;
  /// Before the first epoch after the takeover.
  stored_controls controls;
  /// A larger dead letter is cut; 0: it was not written down then.
  std::uint64_t dead_letter_bytes_max = 0;
  /// Number of the rules that decide, up to the next setup (core/rules.hpp).
  std::uint32_t rules = 1;
  friend bool operator==(const partition_setup&, const partition_setup&) = default;
};

/// One committed epoch, as the journal has it.
struct epoch_record {
  std::uint64_t epoch = 0;
  time_ms now = 0;
  std::vector<input_range> inputs;
  std::vector<refused_input> refused;
  std::vector<input_range> skipped;
  std::optional<partition_setup> setup;
  std::uint64_t timers_max = UINT64_MAX;
  /// Records to output topics and their SHA-256; rows to the changelog and their XXH3-128.
  std::uint64_t outputs = 0;
  std::string outputs_digest;
  std::uint64_t rows = 0;
  std::string rows_digest;
  /// After this epoch. Not part of what it is taken over.
  std::string chain;
  friend bool operator==(const epoch_record&, const epoch_record&) = default;
};

/// The journal's bytes; sets `record.chain` to what follows from `chain_before`.
std::string encode_epoch_record(epoch_record& record, std::string_view chain_before);
std::optional<epoch_record> decode_epoch_record(std::string_view row);
/// Does `record` follow on `chain_before`? REQUIRES: `row` decodes.
bool follows(std::string_view row, std::string_view chain_before);

/// A digest over pieces, each with its length, so two different lists of pieces have different digests.
class piece_digest {
public:
  enum class kind : std::uint8_t { sha256, xxh3_128 };
  explicit piece_digest(kind how);
  ~piece_digest();
  piece_digest(const piece_digest&) = delete;
  piece_digest& operator=(const piece_digest&) = delete;

  void add(std::string_view piece);
  /// An absent piece, which differs from an empty one.
  void add_null();
  /// Raw bytes; begins again.
  std::string finish();

private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace fairuse
