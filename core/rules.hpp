// SPDX-License-Identifier: Apache-2.0
//
// The two verbs. `advance` fires due timers, `apply` applies one event; nothing else changes a user. Pure: the result
// follows from the arguments alone.
//
// Order: inside an epoch a user's events run in the order of before(), after `advance`. Decisions of one step: triggers
// by window order, then consequences; slots: live first, then `off`, then shadows by name.
// Threads: one user belongs to one thread at a time. Cost of a speech event that crosses nothing: one bucket, one id,
// one addition per span, one comparison per slot. No allocation but amortised growth.
#pragma once

#include <cstdint>

#include "core/bind.hpp"
#include "core/event_columns.hpp"
#include "core/policy_set.hpp"
#include "core/step_output.hpp"
#include "core/user.hpp"
#include "events/decision.hpp"
#include "events/event.hpp"

namespace fairuse {

/// The number of the decision rules. It goes up whenever the same inputs would lead to other decisions or other outputs
/// beside them; journals have it, so that a replay by other rules is refused instead of compared. 1: before there was a
/// number.
inline constexpr std::uint32_t decision_rules = 5;
/// Since these rules decisions are what they are: what went up behind them are outputs beside the decisions.
inline constexpr std::uint32_t same_decisions_since = 4;
inline constexpr bool decide_as_now(std::uint32_t rules) {
  return rules >= same_decisions_since and rules <= decision_rules;
}

/// How far ahead of `now` an event may be.
inline constexpr std::int64_t horizon_wall_ms = 5 * minute_ms;
inline constexpr std::int64_t horizon_events_ms = 40 * day_ms;

/// `accepted`, `too_old` or `future`; what sealing asks under `--clock events` before it moves `now`.
/// Speech and STT older than the retention are too old; other kinds never are.
applied lateness(const event& what, time_ms now, std::int64_t retention_ms, std::int64_t horizon_ms);

/// Fire every timer due at or before `now`, by (due, kind, slot), and drop what no rule reads any more (ids of older
/// hours, too). REQUIRES: `now` never goes back for a user.
void advance(user& who, const controls& in_force, time_ms now, step_output& out);

/// Apply one event at `now`. REQUIRES: advance(who, in_force, now) came first; ids of the last 24 hours (first_id_hour)
/// and of the event's hour (needs_older_ids) are resident.
applied apply(user& who, const controls& in_force, time_ms now, const event& what, std::int64_t horizon_ms,
              step_output& out);

/// Apply entries [first, last) of a run: advance to each one's own `now`, then apply it, up to and including the first
/// that asks for a review. Returns the number of the entry behind the last one taken. The same code as above without
/// the checks that admitted the events; what can only change sums is not evaluated. REQUIRES: first < last <=
/// run.count; among the whole events no commands but `exempt`.
std::size_t apply(user& who, const controls& in_force, const event_columns& run, std::size_t first, std::size_t last,
                  step_output& out);

/// `who` in the place of a user who is gone, whose memory for buckets is used again.
void replace(user& gone, user&& who);

/// Whether apply needs the ids of hours that memory does not keep; load them (id_log::load) between advance and apply.
bool needs_older_ids(const event& what, time_ms now);

/// What the promotion of a shadow writes for all users (subject `*`); the caller swaps the set.
decision promotion(const policy_set& after, const event& command, time_ms now);
/// What enable and kill_switch write for all users, if they change what is in force: stages stay as they are.
decision switched(const policy_set& loaded, const event& command, time_ms now);

} // namespace fairuse
