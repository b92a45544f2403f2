// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to core: what follows from admitted events, one by one or in a run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/context.hpp"
#include "core/event_columns.hpp"
#include "core/quiet_slots.hpp"

namespace fairuse::detail {

/// Apply an admitted event, and note when the next timer is due.
applied take(slot_context& live, const event& what);
/// The same for speech and STT that these slots must see (core/speech.hpp).
applied take(slot_context& live, const event& what, std::span<const slot_number> slots);

void count(counters& counts, applied how);

/// Events in columns. What stays within the bounds of all slots is metered a bucket at a time; any other speech or STT
/// is seen by the slots whose bounds it passes, and all else is taken like a single event.
class run_of_events {
public:
  run_of_events(user& who, const controls& in_force, const event_columns& run, step_output& out);

  /// Entries [first, last), or up to the first that asks for a review; the number of the next entry.
  std::size_t take(std::size_t first, std::size_t last);

private:
  /// What an event asks of a metering profile, and the speech of one bucket and lane that is not in the sums yet.
  struct profile_at_hand {
    std::int64_t fresh_within_ms; ///< INT64_MAX: no speech is late
    bool by_arrival;
    std::int64_t bucket_ms;
    lane under = lane::realtime; ///< of the event at hand
    time_ms begin = 0;
    time_ms end = 0;
    bucket_index bucket = 0;
    std::int64_t ms = 0;
    lane from = lane::realtime;
  };
  struct view_at_hand {
    std::uint16_t profile;
    std::uint8_t lanes;   ///< a bit per lane that counts under the present controls
    std::int64_t left_ms; ///< what may still be added within the bounds
    bool counts(lane from) const { return (lanes >> static_cast<unsigned>(from) & 1) != 0; }
  };

  void advance_to(time_ms now);
  void read_bounds();
  std::size_t pass_quietly(std::size_t first, std::size_t last);
  bool meter_quietly(std::size_t i);
  void open_bucket(profile_at_hand& profile, time_ms at);
  void close_bucket(profile_at_hand& profile);
  void close_buckets();
  void find_slots(std::size_t i);
  void take_flat(std::size_t i, slot_context& context, const event& what);
  bool asks(std::size_t i);
  slot_context live(time_ms at) const { return {who_, in_force_, out_, at}; }

  user& who_;
  const controls& in_force_;
  const event_columns& run_;
  step_output& out_;
  quiet_slots quiet_;
  std::vector<profile_at_hand> profiles_;
  std::vector<view_at_hand> views_;
  /// The slots that must see the event at hand.
  std::vector<slot_number> slots_;
  /// Before this instant nothing is due, and memory needs no pruning.
  time_ms advanced_until_ = INT64_MIN;
  time_ms prunes_every_;
  /// STT that is not in the tallies yet.
  std::int64_t stt_ms_ = 0;
};

} // namespace fairuse::detail
