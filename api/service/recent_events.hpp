// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to api/service. The last events that this instance made durable, and those that it is about to, so that a
// sender who repeats one is told at once. Best effort: the engine itself takes every event once (core/speech).
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

  /// `fresh`: it is the caller's to make durable, and settle() follows; so is one that another caller is about to make
  /// durable. `conflict`: another content came under this source and id of this user. REQUIRES: it is not malformed.
  known_as begin(const incoming_event& event);
  /// What begin() called fresh is durable, or may be sent anew with any content.
  void settle(const incoming_event& event, bool is_durable);

private:
  struct begun {
    std::uint64_t content = 0;
    std::size_t callers = 0;
  };

  void keep(std::uint64_t key, std::uint64_t content);

  const std::size_t most_;
  std::mutex mutex_;
  /// From the hash of user, source and id.
  std::unordered_map<std::uint64_t, begun> begun_;
  std::unordered_map<std::uint64_t, std::uint64_t> contents_;
  std::deque<std::uint64_t> order_;
};

} // namespace fairuse
