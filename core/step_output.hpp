// SPDX-License-Identifier: Apache-2.0
//
// What a step writes, and how an event ended.
#pragma once

#include <cstdint>
#include <vector>

#include "core/counters.hpp"
#include "core/event_columns.hpp"
#include "core/metering.hpp"
#include "events/decision.hpp"

namespace fairuse {

/// How an event ended.
enum class applied : std::uint8_t {
  accepted,
  duplicate, ///< counted, changes nothing
  stale,     ///< an account or conversation fact older than what is known: counted, changes nothing
  too_old,   ///< dead letter: older than the retention
  future,    ///< dead letter: further ahead of now than the horizon
  erased,    ///< dead letter: from before the user's erasure
  /// Dead letter: the user has no such strike. The command's id counts as used.
  unknown_strike,
  /// Dead letter: an exemption that would end before it begins. The command's id counts as used.
  past_until,
  /// Dead letter: of this strike there can be no appeal now (why_no_appeal). The command's id counts as used.
  no_appeal,
};

/// Whether the event becomes a dead letter.
inline bool is_refused(applied how) { return how >= applied::too_old; }

/// Conversations of a run that are not applied yet: those among the entries [first, last).
struct unread_conversations {
  const event_columns* run = nullptr;
  std::size_t first = 0;
  std::size_t last = 0;

  struct outlined {
    time_ms at;
    conversation_outline what;
  };
  /// Of the entries [first, outlined_until) at least the newest conversations_max, by (at, id).
  std::vector<outlined> newest;
  std::size_t outlined_until = 0;
  /// Two facts about one conversation have the same instant: their ids say which one is newer.
  bool ambiguous = false;

  void begin(const event_columns* of, std::size_t entry);
};

/// What a step writes.
struct step_output {
  std::vector<decision> decisions;
  counters counts;
  /// Per slot, same order as policy_set::slots(); sized by the first step.
  std::vector<slot_tally> tallies;
  /// The speech event at hand; scratch memory of the rules.
  speech_spread speech;
  unread_conversations conversations;
  void clear();
  /// Did the decisions from number `first` on ask for a review?
  bool asked_since(std::size_t first) const;
};

} // namespace fairuse
