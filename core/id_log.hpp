// SPDX-License-Identifier: Apache-2.0
//
// Which speech and STT events a user has had: 8-byte keys, grouped by the UTC hour of the event's instant. A duplicate
// is the same key in the same hour. In production only the last 24 hours stay in memory, older hours are read from the
// store before an event needs them; in simulation the whole retention stays. Sorted arrays, not a hash set of the
// library: 8 bytes a key, and an hour is written down in one piece.
#pragma once

#include <cstdint>
#include <span>

#include "core/compact_list.hpp"
#include "events/event.hpp"

namespace fairuse {

/// Hours since the epoch.
using hour_number = std::int32_t;

inline hour_number hour_of(time_ms at) { return static_cast<hour_number>(at / hour_ms); }

class id_log {
public:
  /// False if the key is there already. REQUIRES: the hour is resident (see load).
  bool add(hour_number hour, std::uint64_t key);

  /// Make an older hour resident with the ids that the store has of it; there may be none.
  void load(hour_number hour, std::span<const std::uint64_t> keys);
  bool has(hour_number hour) const;

  /// Forget hours before `first`.
  void prune(hour_number first);

  /// The keys of one hour, in no particular order.
  std::span<const std::uint64_t> keys(hour_number hour) const;
  template <class F>
  void each_hour(F&& visit) const {
    for (const auto& each : groups_)
      visit(each.hour);
  }
  std::size_t memory_bytes() const;

private:
  /// keys_[begin, next group's begin): `sorted` of them in order, then at most tail_max as they came.
  struct group {
    hour_number hour;
    std::uint32_t begin;
    std::uint32_t sorted;
  };
  static constexpr std::uint32_t tail_max = 64;

  std::uint32_t end_of(std::size_t index) const;
  std::size_t group_for(hour_number hour);
  bool contains(const group& within, std::uint32_t end, std::uint64_t key) const;

  compact_list<group> groups_;
  compact_list<std::uint64_t> keys_;
};

} // namespace fairuse
