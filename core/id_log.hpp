// SPDX-License-Identifier: Apache-2.0
//
// Which speech and STT events a user has had: 8-byte keys, grouped by the UTC hour of the event's instant. In
// production only the last 24 hours stay in memory, older hours are read from the store before an event needs them; in
// simulation the whole retention stays. A lookup names its hours, so its answer does not depend on which others are in
// memory. Sorted arrays, not a hash set of the library: 8 bytes a key, and an hour is written down in one piece. Who
// has more than a few keys a day gets a filter, so that a new key is not searched for in 25 hours.
#pragma once

#include <cstdint>
#include <span>

#include "core/compact_list.hpp"
#include "core/key_filter.hpp"
#include "events/event.hpp"

namespace fairuse {

/// Hours since the epoch.
using hour_number = std::int32_t;

inline hour_number hour_of(time_ms at) { return static_cast<hour_number>(at / hour_ms); }

/// Ids of this hour and all later ones are looked through for every event, whatever its time; memory has them.
inline hour_number first_id_hour(time_ms now) { return hour_of(now) - 24; }

class id_log {
public:
  /// False if the key is there already: in an hour from `first` on, or in `hour`. It stays with `hour`.
  /// REQUIRES: these hours are resident (see load).
  bool add(hour_number hour, std::uint64_t key, hour_number first);

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
  /// So many keys are looked through one by one: that takes no longer than the filter saves.
  static constexpr std::uint32_t unfiltered_max = 64;

  /// Where the keys of a group begin; of one behind the last: where the last one ends.
  std::uint32_t begin_of(std::size_t index) const;
  std::size_t group_for(hour_number hour);
  /// The first group of `hour` or later.
  std::size_t group_from(hour_number hour) const;
  bool contains(std::size_t index, std::uint64_t key) const;
  /// False: no hour in memory has the key.
  bool may_have(std::uint64_t key);
  bool has_since(hour_number first, std::uint64_t key) const;
  bool has_in(hour_number hour, std::uint64_t key) const;
  void insert(hour_number hour, std::uint64_t key);

  compact_list<group> groups_;
  compact_list<std::uint64_t> keys_;
  /// If it exists, all keys were added to it.
  key_filter filter_;
};

} // namespace fairuse
