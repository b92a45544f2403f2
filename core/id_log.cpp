// SPDX-License-Identifier: Apache-2.0
#include "core/id_log.hpp"

#include <algorithm>

namespace fairuse {

std::uint32_t id_log::end_of(std::size_t index) const {
  return index + 1 < groups_.size() ? groups_[index + 1].begin : static_cast<std::uint32_t>(keys_.size());
}

std::size_t id_log::group_for(hour_number hour) {
  auto index = groups_.size();
  while (index > 0 and groups_[index - 1].hour > hour)
    --index;
  if (index > 0 and groups_[index - 1].hour == hour) return index - 1;
  const auto begin = index < groups_.size() ? groups_[index].begin : static_cast<std::uint32_t>(keys_.size());
  const group fresh{hour, begin, 0};
  groups_.insert(index, {&fresh, 1});
  return index;
}

bool id_log::contains(const group& within, std::uint32_t end, std::uint64_t key) const {
  const auto* first = keys_.data() + within.begin;
  const auto* tail = first + within.sorted;
  if (within.sorted > 0 and std::binary_search(first, tail, key)) return true;
  // No early exit: a straight loop over at most 64 words is vectorised.
  bool found = false;
  for (const auto* each = tail; each != keys_.data() + end; ++each)
    found |= *each == key;
  return found;
}

bool id_log::add(hour_number hour, std::uint64_t key) {
  const auto index = group_for(hour);
  const auto end = end_of(index);
  if (contains(groups_[index], end, key)) return false;
  keys_.insert(end, {&key, 1});
  for (auto later = index + 1; later < groups_.size(); ++later)
    ++groups_[later].begin;
  auto& within = groups_[index];
  if (end + 1 - within.begin - within.sorted > tail_max) {
    const auto first = keys_.begin() + within.begin;
    const auto middle = first + within.sorted;
    const auto last = keys_.begin() + end + 1;
    std::sort(middle, last);
    std::inplace_merge(first, middle, last);
    within.sorted = end + 1 - within.begin;
  }
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
}

bool id_log::has(hour_number hour) const {
  return std::any_of(groups_.begin(), groups_.end(), [hour](const group& each) { return each.hour == hour; });
}

void id_log::prune(hour_number first) {
  std::size_t gone = 0;
  while (gone < groups_.size() and groups_[gone].hour < first)
    ++gone;
  if (gone == 0) return;
  const auto keys_gone = end_of(gone - 1);
  keys_.erase_front(keys_gone);
  groups_.erase_front(gone);
  for (auto& each : groups_)
    each.begin -= keys_gone;
}

std::span<const std::uint64_t> id_log::keys(hour_number hour) const {
  for (std::size_t i = 0; i < groups_.size(); ++i)
    if (groups_[i].hour == hour) return {keys_.data() + groups_[i].begin, end_of(i) - groups_[i].begin};
  return {};
}

std::size_t id_log::memory_bytes() const { return groups_.memory_bytes() + keys_.memory_bytes(); }

} // namespace fairuse
