// SPDX-License-Identifier: Apache-2.0

#include "api/service/rate_table.hpp"

#include <algorithm>
#include <bit>

#include <xxhash.h>

#include "base/system/random_bits.hpp"

namespace fairuse {

// Nobody can choose who shares a place in the table.
rate_table::rate_table(const request_rate& allowed, std::size_t entries)
  : interval_us_{allowed.per_second == 0 ? 0 : 1'000'000 / static_cast<std::int64_t>(allowed.per_second)},
    burst_us_{interval_us_ * static_cast<std::int64_t>(allowed.burst)},
    seed_{random_bits()} {
  if (interval_us_ > 0) entries_.resize(std::bit_ceil(std::max(entries, neighbours)));
}

std::int64_t rate_table::take(std::string_view who, std::int64_t now_us) {
  if (entries_.empty()) return 0;
  const auto key = key_of(who);
  const std::lock_guard guard{mutex_};
  const auto begin = entries_.begin() + static_cast<std::ptrdiff_t>(first_of(key));
  const auto end = begin + neighbours;
  auto at = std::find_if(begin, end, [key](const entry& each) { return each.key == key; });
  if (at == end) {
    at = std::min_element(begin, end, [](const entry& a, const entry& b) { return a.full_at_us < b.full_at_us; });
    *at = {key, INT64_MIN};
  }
  if (const auto wait = wait_us(at->full_at_us, now_us); wait > 0) return wait;
  at->full_at_us = std::max(at->full_at_us, now_us) + interval_us_;
  return 0;
}

std::int64_t rate_table::wait_us(std::string_view who, std::int64_t now_us) const {
  if (entries_.empty()) return 0;
  const auto key = key_of(who);
  const std::lock_guard guard{mutex_};
  const auto begin = entries_.begin() + static_cast<std::ptrdiff_t>(first_of(key));
  const auto at = std::find_if(begin, begin + neighbours, [key](const entry& each) { return each.key == key; });
  return at == begin + neighbours ? 0 : wait_us(at->full_at_us, now_us);
}

std::uint64_t rate_table::key_of(std::string_view who) const {
  return std::max<std::uint64_t>(1, XXH3_64bits_withSeed(who.data(), who.size(), seed_));
}

std::size_t rate_table::first_of(std::uint64_t key) const { return key & (entries_.size() - 1) & ~(neighbours - 1); }

std::int64_t rate_table::wait_us(std::int64_t full_at_us, std::int64_t now_us) const {
  return std::max(full_at_us, now_us) + interval_us_ - now_us - burst_us_;
}

} // namespace fairuse
