// SPDX-License-Identifier: Apache-2.0
//
// How speech is counted: sparse minute buckets, running sums with one tail per span, and the union of raw segments.
//
// Invariants of a bucket_log
//   1. Entries are sorted by bucket; several entries may share one (other lane, or a full 29-bit amount).
//   2. A bucket holds at most retention worth of history; older entries are pruned.
// Cost: add at the end is O(1); in the middle O(entries behind it). 6 bytes an entry.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/policy_set.hpp"
#include "events/event.hpp"

namespace fairuse {

/// The number of a bucket: its start in seconds divided by the bucket's length.
using bucket_index = std::int64_t;

class bucket_log {
public:
  struct entry {
    bucket_index bucket;
    lane from;
    bool while_off;
    std::int64_t ms;
  };

  std::uint32_t size() const { return size_ - head_; }
  entry at(std::uint32_t position) const { return decode(head_ + position); }
  bucket_index bucket_at(std::uint32_t position) const { return base_ + offset(head_ + position); }

  /// Add `ms` to a bucket. Returns the position at which an entry was inserted, or `size()` as it was before if the
  /// last insert was an append, or `merged` if an entry grew.
  static constexpr std::uint32_t merged = UINT32_MAX;
  std::uint32_t add(bucket_index bucket, lane from, bool while_off, std::int64_t ms);

  /// Drop entries of buckets before `first`; returns how many.
  std::uint32_t prune(bucket_index first);

  /// First position whose bucket is >= `bucket`.
  std::uint32_t lower_bound(bucket_index bucket) const;

  std::size_t memory_bytes() const { return capacity_ * (sizeof(std::uint32_t) + sizeof(std::uint16_t)); }

  /// Does (amount word) belong to a view?
  bool counts(std::uint32_t position, const view_spec& view) const;
  std::int64_t ms_at(std::uint32_t position) const { return amounts()[head_ + position] & amount_max; }

private:
  static constexpr std::uint32_t amount_bits = 29;
  static constexpr std::uint32_t amount_max = (1U << amount_bits) - 1;
  static constexpr std::uint32_t off_bit = 1U << 31;

  entry decode(std::uint32_t slot) const;
  std::uint32_t* amounts() const { return block_.get(); }
  std::uint16_t* offsets() const { return reinterpret_cast<std::uint16_t*>(block_.get() + capacity_); }
  std::uint16_t offset(std::uint32_t slot) const { return offsets()[slot]; }
  static std::uint32_t word(lane from, bool while_off, std::int64_t ms);
  void insert(std::uint32_t slot, std::uint16_t offset, std::uint32_t word);
  void reserve_one();
  std::uint16_t rebase(bucket_index bucket);

  /// capacity_ amounts (flags in the top 3 bits), then capacity_ bucket offsets from base_.
  std::unique_ptr<std::uint32_t[]> block_;
  bucket_index base_ = 0;
  std::uint32_t head_ = 0;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
};

/// A stretch of speech after union, absolute instants.
struct spoken {
  time_ms begin;
  time_ms end;
};

/// Union of a speech event's segments in time order: overlaps once, silence never. Empty segments vanish.
void unite(const event& e, std::vector<spoken>& out);

/// Total speech of an event in ms (union if it has segments). `scratch` is reused memory.
std::int64_t speech_ms(const event& e, std::vector<spoken>& scratch);

/// First bucket that counts at `now` in a window of `span_s`: start >= floor(now to 1 s) - span.
bucket_index first_counted(time_ms now, std::int64_t span_s, std::int32_t bucket_s);

/// First instant at which `bucket` no longer counts in a window of `span_s`.
time_ms leaves_at(bucket_index bucket, std::int64_t span_s, std::int32_t bucket_s);

inline bucket_index bucket_of(time_ms at, std::int32_t bucket_s) {
  return at / second_ms / bucket_s;
}

} // namespace fairuse
