// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to core: what follows from admitted events, one by one or in a run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/context.hpp"
#include "core/event_columns.hpp"

namespace fairuse::detail {

/// Apply an admitted event, and note when the next timer is due.
applied take(slot_context& live, const event& what);

void count(counters& counts, applied how);

/// The quiet bounds (core/quiet.hpp) of all slots that judge, as one: an event within them is metered and writes
/// nothing, in no slot.
class quiet_slots {
public:
  void read(const slot_context& live);

  /// Before this instant no slot may ask or drain.
  time_ms until() const { return until_; }
  std::int64_t added_max_ms(std::size_t view) const { return added_max_ms_[view]; }
  /// No slot counts STT, or refuses or counts uploads.
  bool idle() const { return idle_; }
  /// Why the live slot asks for no review although caps are exceeded.
  review_block live_why() const { return live_why_; }

private:
  time_ms until_ = INT64_MIN;
  bool idle_ = false;
  review_block live_why_ = review_block::none;
  std::vector<std::int64_t> added_max_ms_; ///< by view
};

/// Events in columns. What stays within the bounds of all slots is metered at once; every other
/// event is taken like a single one, and the bounds are read again.
class run_of_events {
public:
  run_of_events(user& who, const controls& in_force, const event_columns& run, step_output& out);

  /// Entries [first, last), or up to the first that asks for a review; the number of the next entry.
  std::size_t take(std::size_t first, std::size_t last);

private:
  void advance_to(time_ms now);
  bool take_quietly(std::size_t i);
  bool meter_quietly(std::size_t i);
  bool asks(std::size_t i);
  void put_stt();
  slot_context live(time_ms at) const { return {who_, in_force_, out_, at}; }

  user& who_;
  const controls& in_force_;
  const event_columns& run_;
  step_output& out_;
  quiet_slots quiet_;
  /// Before this instant nothing is due, and memory needs no pruning.
  time_ms advanced_until_ = INT64_MIN;
  time_ms prunes_every_;
  /// STT that no slot counts, not in the tallies yet.
  std::int64_t stt_ms_ = 0;
};

} // namespace fairuse::detail
