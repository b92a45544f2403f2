// SPDX-License-Identifier: Apache-2.0

#include "api/service/recent_events.hpp"

#include <xxhash.h>

#include "events/event.hpp"

namespace fairuse {

namespace {

/// The same source and id of another user are another event's.
std::uint64_t key_of(const incoming_event& event) {
  return XXH3_64bits_withSeed(event.uid.data(), event.uid.size(), event_key(event.source, event.id));
}

} // namespace

known_as recent_events::begin(const incoming_event& event) {
  const auto key = key_of(event);
  const std::lock_guard guard{mutex_};
  if (const auto found = contents_.find(key); found != contents_.end())
    return found->second == event.content ? known_as::duplicate : known_as::conflict;
  auto& open = begun_.try_emplace(key, begun{event.content, 0}).first->second;
  if (open.content != event.content) return known_as::conflict;
  ++open.callers;
  return known_as::fresh;
}

void recent_events::settle(const incoming_event& event, bool is_durable) {
  const auto key = key_of(event);
  const std::lock_guard guard{mutex_};
  if (is_durable) keep(key, event.content);
  if (const auto open = begun_.find(key); --open->second.callers == 0) begun_.erase(open);
}

void recent_events::keep(std::uint64_t key, std::uint64_t content) {
  if (not contents_.emplace(key, content).second) return;
  order_.push_back(key);
  if (order_.size() <= most_) return;
  contents_.erase(order_.front());
  order_.pop_front();
}

} // namespace fairuse
