// SPDX-License-Identifier: Apache-2.0
#include "core/bucket_log.hpp"

#include <algorithm>
#include <cstring>

namespace fairuse {

namespace {

std::uint32_t grown(std::uint32_t capacity) {
  // Small steps: the log is most of what a heavy user costs, and doubling would waste a third of it.
  return capacity + capacity / 16 + 4;
}

} // namespace

void bucket_log::store(std::uint32_t slot, std::uint64_t word) {
  std::memcpy(block_.get() + std::size_t{slot} * entry_bytes, &word, entry_bytes);
}

bucket_log::entry bucket_log::decode(std::uint32_t slot) const {
  const auto word = load(slot);
  return {bucket_index{base_} + offset_of(word), static_cast<lane>((word >> lane_shift) & 3),
          ((word >> off_shift) & 1) != 0, ms_of(word)};
}

void bucket_log::reserve_one() {
  if (size_ < capacity_) return;
  const auto live = size_ - head_;
  if (head_ > live / 16) {
    // Pruned space at the front is reused before the block grows.
    std::memmove(block_.get(), block_.get() + std::size_t{head_} * entry_bytes, std::size_t{live} * entry_bytes);
  } else {
    const auto capacity = grown(live);
    auto block = std::make_unique<std::uint8_t[]>(bytes_for(capacity));
    if (live > 0)
      std::memcpy(block.get(), block_.get() + std::size_t{head_} * entry_bytes, std::size_t{live} * entry_bytes);
    block_ = std::move(block);
    capacity_ = capacity;
  }
  head_ = 0;
  size_ = live;
}

std::uint16_t bucket_log::rebase(bucket_index bucket) {
  if (size_ == head_) {
    head_ = size_ = 0;
    base_ = static_cast<std::uint32_t>(bucket);
    return 0;
  }
  const auto relative = bucket - base_;
  if (relative >= 0 and relative <= UINT16_MAX) return static_cast<std::uint16_t>(relative);
  // The retention spans fewer than 65,536 buckets (checked when policies are loaded), so the oldest live entry is a
  // base that reaches everything.
  const auto base = std::min(bucket, bucket_at(0));
  const auto shift = static_cast<std::uint64_t>(base - base_);
  for (auto i = head_; i < size_; ++i) {
    const auto word = load(i);
    store(i, (word & ~std::uint64_t{UINT16_MAX}) | ((word - shift) & UINT16_MAX));
  }
  base_ = static_cast<std::uint32_t>(base);
  return static_cast<std::uint16_t>(bucket - base);
}

void bucket_log::insert(std::uint32_t position, std::uint64_t word) {
  reserve_one();
  const auto slot = head_ + position;
  auto* place = block_.get() + std::size_t{slot} * entry_bytes;
  std::memmove(place + entry_bytes, place, std::size_t{size_ - slot} * entry_bytes);
  store(slot, word);
  ++size_;
}

void bucket_log::add(bucket_index bucket, lane from, bool while_off, std::int64_t ms) {
  const auto where = rebase(bucket);
  const auto amount = [](std::int64_t value) { return static_cast<std::uint64_t>(value) << offset_bits; };
  const auto empty =
      std::uint64_t{where} | (static_cast<std::uint64_t>(from) << lane_shift) | (std::uint64_t{while_off} << off_shift);
  constexpr auto entry_mask = (std::uint64_t{1} << (entry_bytes * 8)) - 1;
  auto slot = size_;
  while (slot > head_ and offset(slot - 1) > where)
    --slot;
  for (auto same = slot; same > head_ and offset(same - 1) == where; --same) {
    const auto word = load(same - 1) & entry_mask;
    if ((word & ~amount(amount_max)) == empty and ms_of(word) + ms <= amount_max) {
      store(same - 1, word + amount(ms));
      return;
    }
  }
  const auto position = slot - head_;
  for (; ms > amount_max; ms -= amount_max)
    insert(position, empty | amount(amount_max));
  insert(position, empty | amount(ms));
}

std::uint32_t bucket_log::prune(bucket_index first) {
  const auto gone = lower_bound(first);
  head_ += gone;
  return gone;
}

std::uint32_t bucket_log::lower_bound(bucket_index bucket) const {
  auto first = std::uint32_t{0};
  auto last = size();
  while (first < last) {
    const auto middle = first + (last - first) / 2;
    if (bucket_at(middle) < bucket)
      first = middle + 1;
    else
      last = middle;
  }
  return first;
}

bucket_index first_counted(time_ms now, std::int64_t span_s, std::int32_t bucket_s) {
  const auto cutoff_s = now / second_ms - span_s;
  return whole_buckets(cutoff_s + bucket_s - 1, bucket_s);
}

time_ms leaves_at(bucket_index bucket, std::int64_t span_s, std::int32_t bucket_s) {
  return (bucket * bucket_s + span_s + 1) * second_ms;
}

} // namespace fairuse
