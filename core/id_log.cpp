// SPDX-License-Identifier: Apache-2.0
#include "core/id_log.hpp"

#include <algorithm>

namespace fairuse {

namespace {

bool is_among(const std::uint64_t* first, const std::uint64_t* last, std::uint64_t key) {
  // No early exit: a straight loop over at most 64 words is vectorised.
  bool found = false;
  for (; first != last; ++first)
    found |= *first == key;
  return found;
}

} // namespace

std::uint32_t id_log::begin_of(std::size_t index) const {
  return index < groups_.size() ? groups_[index].begin : static_cast<std::uint32_t>(keys_.size());
}

std::size_t id_log::group_from(hour_number hour) const {
  auto index = groups_.size();
  while (index > 0 and groups_[index - 1].hour >= hour)
    --index;
  return index;
}

std::size_t id_log::group_for(hour_number hour) {
  const auto index = group_from(hour);
  if (index < groups_.size() and groups_[index].hour == hour) return index;
  const group fresh{hour, begin_of(index), 0};
  groups_.insert(index, {&fresh, 1});
  return index;
}

bool id_log::contains(std::size_t index, std::uint64_t key) const {
  const auto* first = keys_.data() + groups_[index].begin;
  const auto* tail = first + groups_[index].sorted;
  return std::binary_search(first, tail, key) or is_among(tail, keys_.data() + begin_of(index + 1), key);
}

bool id_log::may_have(std::uint64_t key) {
  if (keys_.size() <= unfiltered_max) return is_among(keys_.begin(), keys_.end(), key);
  if (not filter_.exists() or filter_.full()) {
    filter_.begin(2 * keys_.size());
    for (const auto each : keys_)
      filter_.add(each);
  }
  return filter_.add(key);
}

bool id_log::has_since(hour_number first, std::uint64_t key) const {
  for (auto index = groups_.size(); index > 0 and groups_[index - 1].hour >= first; --index)
    if (contains(index - 1, key)) return true;
  return false;
}

bool id_log::has_in(hour_number hour, std::uint64_t key) const {
  const auto index = group_from(hour);
  return index < groups_.size() and groups_[index].hour == hour and contains(index, key);
}

void id_log::insert(hour_number hour, std::uint64_t key) {
  const auto index = group_for(hour);
  const auto end = begin_of(index + 1);
  keys_.insert(end, {&key, 1});
  for (auto later = index + 1; later < groups_.size(); ++later)
    ++groups_[later].begin;
  auto& within = groups_[index];
  if (end + 1 - within.begin - within.sorted <= tail_max) return;
  const auto first = keys_.begin() + within.begin;
  const auto middle = first + within.sorted;
  const auto last = keys_.begin() + end + 1;
  std::sort(middle, last);
  std::inplace_merge(first, middle, last);
  within.sorted = end + 1 - within.begin;
}

bool id_log::add(hour_number hour, std::uint64_t key, hour_number first) {
  if (may_have(key) and (has_since(first, key) or has_in(hour, key))) return false;
  insert(hour, key);
  return true;
}

void id_log::load(hour_number hour, std::span<const std::uint64_t> keys) {
  if (has(hour)) return;
  const auto index = group_for(hour);
  const auto begin = groups_[index].begin;
  keys_.insert(begin, keys);
  std::sort(keys_.begin() + begin, keys_.begin() + begin + keys.size());
  groups_[index].sorted = static_cast<std::uint32_t>(keys.size());
  for (auto later = index + 1; later < groups_.size(); ++later)
    groups_[later].begin += static_cast<std::uint32_t>(keys.size());
  filter_.drop();
}

bool id_log::has(hour_number hour) const {
  return std::any_of(groups_.begin(), groups_.end(), [hour](const group& each) { return each.hour == hour; });
}

void id_log::prune(hour_number first) {
  std::size_t gone = 0;
  while (gone < groups_.size() and groups_[gone].hour < first)
    ++gone;
  if (gone == 0) return;
  const auto keys_gone = begin_of(gone);
  keys_.erase_front(keys_gone);
  groups_.erase_front(gone);
  for (auto& each : groups_)
    each.begin -= keys_gone;
  if (keys_.size() <= unfiltered_max) filter_.drop();
}

std::span<const std::uint64_t> id_log::keys(hour_number hour) const {
  for (std::size_t i = 0; i < groups_.size(); ++i)
    if (groups_[i].hour == hour) return {keys_.data() + groups_[i].begin, begin_of(i + 1) - groups_[i].begin};
  return {};
}

std::size_t id_log::memory_bytes() const {
  return groups_.memory_bytes() + keys_.memory_bytes() + filter_.memory_bytes();
}

} // namespace fairuse
