// SPDX-License-Identifier: Apache-2.0

#include "api/service/recent_events.hpp"

#include <xxhash.h>

#include "events/event.hpp"

namespace fairuse {

namespace {

std::uint64_t content_of(std::string_view line) { return XXH3_64bits(line.data(), line.size()); }

} // namespace

known_as recent_events::find(std::string_view source, std::string_view id, std::string_view line) const {
  const std::lock_guard guard{mutex_};
  const auto found = contents_.find(event_key(source, id));
  if (found == contents_.end()) return known_as::fresh;
  return found->second == content_of(line) ? known_as::duplicate : known_as::conflict;
}

void recent_events::add(std::string_view source, std::string_view id, std::string_view line) {
  const auto key = event_key(source, id);
  const std::lock_guard guard{mutex_};
  if (not contents_.emplace(key, content_of(line)).second) return;
  order_.push_back(key);
  if (order_.size() <= most_) return;
  contents_.erase(order_.front());
  order_.pop_front();
}

} // namespace fairuse
