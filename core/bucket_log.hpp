// SPDX-License-Identifier: Apache-2.0
//
// One user's speech under one metering profile: sparse buckets (of a minute, say) and what was spoken in each.
//
// Invariants
//   1. Entries are sorted by bucket; several entries may share one (other lane, or an amount over 35 minutes).
//   2. A bucket holds at most retention worth of history; older entries are pruned.
// Cost: add at the end is O(1); in the middle O(entries behind it). 5 bytes an entry: this log is most of what a heavy
// user costs, and a std::vector of structs would be three times as large.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

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

  bucket_log() = default;
  /// What is moved from is empty: it may be filled again.
  bucket_log(bucket_log&& from) noexcept { *this = std::move(from); }
  bucket_log& operator=(bucket_log&& from) noexcept;

  std::uint32_t size() const { return size_ - head_; }
  entry at(std::uint32_t position) const { return decode(head_ + position); }
  bucket_index bucket_at(std::uint32_t position) const { return bucket_index{base_} + offset(head_ + position); }

  /// Add `ms` to a bucket: an entry grows, or one or more are inserted (size() shows which).
  void add(bucket_index bucket, lane from, bool while_off, std::int64_t ms);

  /// Drop entries of buckets before `first`; returns how many.
  std::uint32_t prune(bucket_index first);

  /// First position whose bucket is >= `bucket`.
  std::uint32_t lower_bound(bucket_index bucket) const;

  /// Without entries; its memory stays.
  void clear() { head_ = size_ = 0; }

  std::size_t memory_bytes() const { return capacity_ == 0 ? 0 : bytes_for(capacity_); }

  /// Does the speech of an entry belong to a view?
  bool counts(std::uint32_t position, const view_spec& view) const;
  std::int64_t ms_at(std::uint32_t position) const { return ms_of(load(head_ + position)); }

private:
  // An entry is a 40-bit word: bucket - base_ (16), ms (21), lane (2), while_off (1). Words are read 8 bytes at a time,
  // so the block has 3 spare bytes.
  static constexpr std::uint32_t entry_bytes = 5;
  static constexpr std::uint32_t offset_bits = 16;
  static constexpr std::uint32_t amount_bits = 21;
  static constexpr std::int64_t amount_max = (1 << amount_bits) - 1;
  static constexpr std::uint32_t lane_shift = offset_bits + amount_bits;
  static constexpr std::uint32_t off_shift = lane_shift + 2;

  static constexpr std::size_t bytes_for(std::size_t capacity) { return capacity * entry_bytes + 3; }
  static std::int64_t ms_of(std::uint64_t word) { return static_cast<std::int64_t>(word >> offset_bits) & amount_max; }
  static std::uint16_t offset_of(std::uint64_t word) { return static_cast<std::uint16_t>(word); }
  std::uint64_t load(std::uint32_t slot) const;
  void store(std::uint32_t slot, std::uint64_t word);
  entry decode(std::uint32_t slot) const;
  std::uint16_t offset(std::uint32_t slot) const { return offset_of(load(slot)); }
  void insert(std::uint32_t position, std::uint64_t word);
  void reserve_one();
  std::uint16_t rebase(bucket_index bucket);

  std::unique_ptr<std::uint8_t[]> block_;
  std::uint32_t base_ = 0;
  std::uint32_t head_ = 0;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
};

inline bucket_log& bucket_log::operator=(bucket_log&& from) noexcept {
  block_ = std::move(from.block_);
  base_ = from.base_;
  head_ = std::exchange(from.head_, 0);
  size_ = std::exchange(from.size_, 0);
  capacity_ = std::exchange(from.capacity_, 0);
  return *this;
}

// Inline: they are in the innermost loop.
inline std::uint64_t bucket_log::load(std::uint32_t slot) const {
  std::uint64_t word = 0;
  std::memcpy(&word, block_.get() + std::size_t{slot} * entry_bytes, sizeof word);
  return word;
}

inline bool bucket_log::counts(std::uint32_t position, const view_spec& view) const {
  const auto word = load(head_ + position);
  return ((view.lanes >> ((word >> lane_shift) & 3)) & 1) != 0 and (view.counts_off or ((word >> off_shift) & 1) == 0);
}

/// First bucket that counts at `now` in a window of `span_s`: start >= floor(now to 1 s) - span.
bucket_index first_counted(time_ms now, std::int64_t span_s, std::int32_t bucket_s);

/// First instant at which `bucket` no longer counts in a window of `span_s`.
time_ms leaves_at(bucket_index bucket, std::int64_t span_s, std::int32_t bucket_s);

/// seconds / bucket_s. Until 2106 in 32 bits, which processors divide in a third of the time.
inline bucket_index whole_buckets(std::int64_t seconds, std::int32_t bucket_s) {
  if (seconds >= 0 and seconds <= UINT32_MAX)
    return static_cast<std::uint32_t>(seconds) / static_cast<std::uint32_t>(bucket_s);
  return seconds / bucket_s;
}

inline bucket_index bucket_of(time_ms at, std::int32_t bucket_s) { return whole_buckets(at / second_ms, bucket_s); }

} // namespace fairuse
