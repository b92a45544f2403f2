// SPDX-License-Identifier: Apache-2.0
#include "actors/timer_heap.hpp"

#include <algorithm>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace fairuse {

std::size_t uid_hash::operator()(std::string_view uid) const { return XXH3_64bits(uid.data(), uid.size()); }

bool timer_heap::later(const entry& a, const entry& b) { return a.due != b.due ? a.due > b.due : *a.uid > *b.uid; }

bool timer_heap::is_current(const entry& e) const {
  const auto found = timers_.find(*e.uid);
  return found != timers_.end() and found->second.due == e.due;
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
  known.due = due;
  if (due == never) return;
  heap_.push_back({due, known.uid.get()});
  std::push_heap(heap_.begin(), heap_.end(), later);
  drop_stale();
}

std::vector<std::string_view> timer_heap::due(time_ms now) {
  std::vector<std::string_view> users;
  while (not heap_.empty() and heap_.front().due <= now) {
    const auto first = heap_.front();
    std::pop_heap(heap_.begin(), heap_.end(), later);
    heap_.pop_back();
    if (not is_current(first)) continue;
    // Taken out: the outcome sets it again, also to the same instant.
    timers_.find(*first.uid).value().due = never;
    users.emplace_back(*first.uid);
  }
  std::sort(users.begin(), users.end());
  return users;
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
  for (auto t = timers_.begin(); t != timers_.end();) {
    if (t->second.due == never) {
      t = timers_.erase(t);
      continue;
    }
    heap_.push_back({t->second.due, t->second.uid.get()});
    ++t;
  }
  std::make_heap(heap_.begin(), heap_.end(), later);
}

} // namespace fairuse
