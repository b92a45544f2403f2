// SPDX-License-Identifier: Apache-2.0

#include "api/service/recent_events.hpp"

#include <xxhash.h>

#include "events/event.hpp"

namespace fairuse {

namespace {

std::uint64_t content_of(const incoming_event& event) { return XXH3_64bits(event.line.data(), event.line.size()); }

/// The same source and id of another user are another event's.
std::uint64_t key_of(const incoming_event& event) {
  return XXH3_64bits_withSeed(event.uid.data(), event.uid.size(), event_key(event.source, event.id));
}

} // namespace

known_as recent_events::find(const incoming_event& event) const {
  const std::lock_guard guard{mutex_};
  const auto found = contents_.find(key_of(event));
  if (found == contents_.end()) return known_as::fresh;
  return found->second == content_of(event) ? known_as::duplicate : known_as::conflict;
}

void recent_events::add(const incoming_event& event) {
  const auto key = key_of(event);
  const std::lock_guard guard{mutex_};
  if (not contents_.emplace(key, content_of(event)).second) return;
  order_.push_back(key);
  if (order_.size() <= most_) return;
  contents_.erase(order_.front());
  order_.pop_front();
}

} // namespace fairuse
