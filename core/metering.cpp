// SPDX-License-Identifier: Apache-2.0
#include "core/metering.hpp"

#include <algorithm>
#include <cstring>

namespace fairuse {

namespace {

std::uint32_t grown(std::uint32_t capacity) {
  // Quarter steps: a heavy user's log is most of the memory that a user costs, and doubling would waste a third of it.
  return std::max<std::uint32_t>(8, capacity + capacity / 4 + 4);
}

} // namespace

std::uint32_t bucket_log::word(lane from, bool while_off, std::int64_t ms) {
  return static_cast<std::uint32_t>(ms) | (static_cast<std::uint32_t>(from) << amount_bits) | (while_off ? off_bit : 0);
}

bucket_log::entry bucket_log::decode(std::uint32_t slot) const {
  const auto w = amounts()[slot];
  return {base_ + offset(slot), static_cast<lane>((w >> amount_bits) & 3), (w & off_bit) != 0, w & amount_max};
}

bool bucket_log::counts(std::uint32_t position, const view_spec& view) const {
  const auto w = amounts()[head_ + position];
  return ((view.lanes >> ((w >> amount_bits) & 3)) & 1) != 0 and (view.counts_off or (w & off_bit) == 0);
}

void bucket_log::reserve_one() {
  if (size_ < capacity_)
    return;
  const auto live = size_ - head_;
  // Pruned room at the front is used up before more is asked for.
  const auto capacity = head_ > live / 8 ? capacity_ : grown(live);
  auto block = std::make_unique<std::uint32_t[]>(capacity + (capacity + 1) / 2);
  auto* offsets_to = reinterpret_cast<std::uint16_t*>(block.get() + capacity);
  if (live > 0) {
    std::memcpy(block.get(), amounts() + head_, live * sizeof(std::uint32_t));
    std::memcpy(offsets_to, offsets() + head_, live * sizeof(std::uint16_t));
  }
  block_ = std::move(block);
  capacity_ = capacity;
  head_ = 0;
  size_ = live;
}

std::uint16_t bucket_log::rebase(bucket_index bucket) {
  if (size_ == head_) {
    head_ = size_ = 0;
    base_ = bucket;
    return 0;
  }
  const auto relative = bucket - base_;
  if (relative >= 0 and relative <= UINT16_MAX)
    return static_cast<std::uint16_t>(relative);
  // The retention spans fewer than 65,536 buckets (checked when policies are loaded), so the oldest live entry is a
  // base that reaches everything.
  const auto base = std::min(bucket, base_ + offset(head_));
  const auto shift = base - base_;
  for (auto i = head_; i < size_; ++i)
    offsets()[i] = static_cast<std::uint16_t>(offsets()[i] - shift);
  base_ = base;
  return static_cast<std::uint16_t>(bucket - base_);
}

void bucket_log::insert(std::uint32_t slot, std::uint16_t where, std::uint32_t w) {
  const auto position = slot - head_;
  reserve_one();
  slot = head_ + position;
  const auto behind = size_ - slot;
  if (behind > 0) {
    std::memmove(amounts() + slot + 1, amounts() + slot, behind * sizeof(std::uint32_t));
    std::memmove(offsets() + slot + 1, offsets() + slot, behind * sizeof(std::uint16_t));
  }
  amounts()[slot] = w;
  offsets()[slot] = where;
  ++size_;
}

std::uint32_t bucket_log::add(bucket_index bucket, lane from, bool while_off, std::int64_t ms) {
  const auto where = rebase(bucket);
  const auto flags = word(from, while_off, 0);
  auto slot = size_;
  while (slot > head_ and offset(slot - 1) > where)
    --slot;
  for (auto same = slot; same > head_ and offset(same - 1) == where; --same) {
    auto& w = amounts()[same - 1];
    if ((w & ~amount_max) == flags and (w & amount_max) + ms <= amount_max) {
      w += static_cast<std::uint32_t>(ms);
      return merged;
    }
  }
  const auto position = slot - head_;
  while (ms > amount_max) {
    insert(head_ + position, where, flags | amount_max);
    ms -= amount_max;
  }
  insert(head_ + position, where, flags | static_cast<std::uint32_t>(ms));
  return position;
}

std::uint32_t bucket_log::prune(bucket_index first) {
  const auto gone = lower_bound(first);
  head_ += gone;
  return gone;
}

std::uint32_t bucket_log::lower_bound(bucket_index bucket) const {
  if (size_ == head_)
    return 0;
  const auto* begin = offsets() + head_;
  const auto* end = offsets() + size_;
  const auto relative = bucket - base_;
  const auto* found = std::lower_bound(begin, end, relative, [](std::uint16_t a, std::int64_t b) { return a < b; });
  return static_cast<std::uint32_t>(found - begin);
}

void unite(const event& e, std::vector<spoken>& out) {
  out.clear();
  for (const auto& part : detail_of<speech_segments>(e).segments)
    if (part.end_ms > part.begin_ms)
      out.push_back({e.time + part.begin_ms, e.time + part.end_ms});
  std::sort(out.begin(), out.end(), [](const spoken& a, const spoken& b) { return a.begin < b.begin; });
  std::size_t last = 0;
  for (std::size_t i = 1; i < out.size(); ++i) {
    if (out[i].begin <= out[last].end)
      out[last].end = std::max(out[last].end, out[i].end);
    else
      out[++last] = out[i];
  }
  if (not out.empty())
    out.resize(last + 1);
}

std::int64_t speech_ms(const event& e, std::vector<spoken>& scratch) {
  if (e.detail == nullptr or not std::holds_alternative<speech_segments>(*e.detail))
    return e.ms;
  unite(e, scratch);
  std::int64_t total = 0;
  for (const auto& part : scratch)
    total += part.end - part.begin;
  return total;
}

bucket_index first_counted(time_ms now, std::int64_t span_s, std::int32_t bucket_s) {
  const auto cutoff_s = now / second_ms - span_s;
  return (cutoff_s + bucket_s - 1) / bucket_s;
}

time_ms leaves_at(bucket_index bucket, std::int64_t span_s, std::int32_t bucket_s) {
  return (bucket * bucket_s + span_s + 1) * second_ms;
}

} // namespace fairuse
