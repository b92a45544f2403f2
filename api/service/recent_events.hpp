// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to api/service. The last events that this instance made durable, so that a sender who repeats one is told at
// once. Best effort: the engine itself takes every event once (core/speech).
// Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <unordered_map>

#include "api/service/event_request.hpp"

namespace fairuse {

enum class known_as : std::uint8_t { fresh, duplicate, conflict };

class recent_events {
public:
  explicit recent_events(std::size_t most = 100'000) : most_{most} {}

  /// `conflict`: another content came under this source and id of this user. REQUIRES: it is not malformed.
  known_as find(const incoming_event& event) const;
  void add(const incoming_event& event);

private:
  const std::size_t most_;
  mutable std::mutex mutex_;
  /// From the hash of user, source and id to that of the line.
  std::unordered_map<std::uint64_t, std::uint64_t> contents_;
  std::deque<std::uint64_t> order_;
};

} // namespace fairuse
