// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to core: the quiet bounds (core/quiet.hpp) of all slots that judge, so that an event of a run is compared
// with the narrowest one alone, and a slot is asked only about an event beyond its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/context.hpp"

namespace fairuse::detail {

/// Numbers of slots, and the least of them: a change costs a comparison per doubling of the slots.
class slot_minima {
public:
  /// Every slot's is INT64_MAX.
  void reset(std::size_t slots);
  void set(std::size_t slot, std::int64_t number);
  /// For many slots at once: numbers, and then what follows from all of them.
  void put(std::size_t slot, std::int64_t number) { tree_[first_leaf_ + slot] = number; }
  void finish();
  std::int64_t least() const { return tree_[1]; }
  /// Append the slots whose number is below `bound`.
  void below(std::int64_t bound, std::vector<slot_number>& out) const;

private:
  /// The children of node n are 2n and 2n + 1; slot s is the leaf first_leaf_ + s.
  std::vector<std::int64_t> tree_{0, INT64_MAX};
  std::size_t first_leaf_ = 1;
};

class quiet_slots {
public:
  /// All of them.
  void read(const slot_context& live);
  /// These alone: nothing else has changed.
  void read(const slot_context& live, std::span<const slot_number> slots);

  /// Before this instant no slot may ask or drain.
  time_ms until() const { return until_.least(); }
  /// More than this in a view may cross a cap, in some slot.
  std::int64_t added_max_ms(std::size_t view) const { return added_max_ms_[view].least(); }
  /// No slot counts STT, or refuses or counts uploads.
  bool idle() const { return idle_.least() != 0; }
  /// Why the live slot asks for no review although caps are exceeded.
  review_block live_why() const { return live_why_; }

  // Slots that may not be quiet, appended.
  void due(time_ms now, std::vector<slot_number>& out) const { until_.below(now + 1, out); }
  void crossed(std::size_t view, std::int64_t added_ms, std::vector<slot_number>& out) const {
    added_max_ms_[view].below(added_ms, out);
  }
  void busy(std::vector<slot_number>& out) const { idle_.below(1, out); }

private:
  /// The bounds of a slot, if it judges: `write` gets each with the minima that it belongs to.
  template <class Write>
  void note(const slot_context& context, Write write);

  slot_minima until_;
  std::vector<slot_minima> added_max_ms_; ///< by view
  slot_minima idle_;                      ///< 0: it is not
  review_block live_why_ = review_block::none;
};

} // namespace fairuse::detail
