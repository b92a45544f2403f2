// SPDX-License-Identifier: Apache-2.0
#include "actors/timer_heap.hpp"

#include <algorithm>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace fairuse {

std::size_t uid_hash::operator()(std::string_view uid) const { return XXH3_64bits(uid.data(), uid.size()); }

bool timer_heap::later(const entry& left, const entry& right) {
  return left.due != right.due ? left.due > right.due : *left.uid > *right.uid;
}

bool timer_heap::is_current(const entry& what) const {
  const auto found = timers_.find(*what.uid);
  return found != timers_.end() and found->second.due == what.due;
}

void timer_heap::set(std::string_view uid, time_ms due) {
  auto found = timers_.find(uid);
  if (found == timers_.end()) {
    if (due == never) return;
    auto kept = std::make_unique<std::string>(uid);
    const std::string_view key = *kept;
    found = timers_.emplace(key, timer{std::move(kept), never}).first;
  }
  auto& known = found.value();
  if (known.due == due) return;
  before_.emplace_back(*known.uid, known.due);
  known.due = due;
  if (due == never) return;
  push({due, known.uid.get()});
  drop_stale();
}

void timer_heap::push(const entry& what) {
  heap_.push_back(what);
  std::push_heap(heap_.begin(), heap_.end(), later);
}

std::vector<std::string_view> timer_heap::due(time_ms now, std::size_t most) {
  std::vector<entry> found;
  while (not heap_.empty() and heap_.front().due <= now) {
    const auto first = heap_.front();
    std::pop_heap(heap_.begin(), heap_.end(), later);
    heap_.pop_back();
    if (not is_current(first)) continue;
    // The outcome sets the timer again, also to the same instant.
    timers_.find(*first.uid).value().due = never;
    found.push_back(first);
  }
  std::sort(found.begin(), found.end(), [](const entry& left, const entry& right) { return *left.uid < *right.uid; });
  std::vector<std::string_view> users;
  for (const auto& each : found) {
    if (users.size() < most) {
      users.emplace_back(*each.uid);
      before_.emplace_back(*each.uid, each.due);
    } else {
      timers_.find(*each.uid).value().due = each.due;
      push(each);
    }
  }
  return users;
}

std::size_t timer_heap::count_due(time_ms now, std::size_t most) const {
  std::size_t count = 0;
  // In a heap only an entry that is due can have children that are due.
  std::vector<std::size_t> open{0};
  while (not open.empty() and count < most) {
    const auto at = open.back();
    open.pop_back();
    if (at >= heap_.size() or heap_[at].due > now) continue;
    count += is_current(heap_[at]) ? 1U : 0U;
    open.push_back(2 * at + 1);
    open.push_back(2 * at + 2);
  }
  return count;
}

void timer_heap::roll_back() {
  auto changes = std::exchange(before_, {});
  for (auto each = changes.rbegin(); each != changes.rend(); ++each)
    set(each->first, each->second);
  before_.clear();
}

time_ms timer_heap::next() {
  while (not heap_.empty() and not is_current(heap_.front())) {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    heap_.pop_back();
  }
  return heap_.empty() ? never : heap_.front().due;
}

void timer_heap::drop_stale() {
  constexpr std::size_t slack = 1024;
  if (heap_.size() < 2 * timers_.size() + slack) return;
  heap_.clear();
  for (auto each = timers_.begin(); each != timers_.end();) {
    if (each->second.due == never) {
      each = timers_.erase(each);
      continue;
    }
    heap_.push_back({each->second.due, each->second.uid.get()});
    ++each;
  }
  std::make_heap(heap_.begin(), heap_.end(), later);
}

} // namespace fairuse
