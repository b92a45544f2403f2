// SPDX-License-Identifier: Apache-2.0
//
// The two verbs. `advance` fires due timers, `apply` applies one event; nothing else changes a user. Pure: what comes
// out follows from the arguments alone.
//
// Order (DESIGN.md section 4): inside an epoch a user's events run in the order of before(), after `advance`. Decisions
// of one step: triggers by window order, then consequences; slots: live first, then `off`, then shadows by name.
// Threads: one user belongs to one thread at a time. Cost of a speech event that crosses nothing: one bucket, one id,
// one addition per span, one comparison per slot. No allocation but amortised growth.
#pragma once

#include <span>
#include <vector>

#include "core/counters.hpp"
#include "core/policy_set.hpp"
#include "core/user.hpp"
#include "events/decision.hpp"
#include "events/event.hpp"

namespace fairuse {

/// How an event ended.
enum class applied : std::uint8_t {
  accepted,
  duplicate, ///< counted, changes nothing
  stale,     ///< an account or conversation fact older than what is known: counted, changes nothing
  too_old,   ///< dead letter: older than the retention
  future,    ///< dead letter: further ahead of now than the horizon
  erased,    ///< dead letter: from before the user's erasure
};

/// How far ahead of `now` an event may be.
inline constexpr std::int64_t horizon_wall_ms = 5 * minute_ms;
inline constexpr std::int64_t horizon_events_ms = 40 * day_ms;

/// `accepted`, `too_old` or `future`; what sealing asks under `--clock events` before it moves `now`.
/// Speech and STT older than the retention are too old; other kinds never are.
applied lateness(const event& e, time_ms now, std::int64_t retention_ms, std::int64_t horizon_ms);

/// What one event put into a bucket.
struct added_speech {
  bucket_index bucket;
  std::int64_t ms;
};

/// What a step writes.
struct step_output {
  std::vector<decision> decisions;
  counters counts;
  /// Per slot, same order as policy_set::slots(); sized by the first step.
  std::vector<slot_tally> tallies;
  /// Reused memory of the rules; nobody else's business.
  std::vector<spoken> spoken_scratch;
  std::vector<added_speech> added_scratch;
  void clear();
};

/// Fire every timer due at or before `now`, by (due, kind, slot), and forget what nothing can reach any more (ids of
/// older hours, too). REQUIRES: `now` never goes back for a user.
void advance(user& u, const controls& c, time_ms now, step_output& out);

/// Apply one event at `now`. REQUIRES: advance(u, c, now) came first; ids of the event's hour are resident
/// (needs_older_ids).
applied apply(user& u, const controls& c, time_ms now, const event& e, std::int64_t horizon_ms, step_output& out);

/// Whether apply needs the ids of hours that memory does not keep; load them (id_log::load) between advance and apply.
bool needs_older_ids(const event& e, time_ms now);

/// Connect a user to a policy set: sums are recomputed from buckets, standings move by slot name. Called by advance and
/// apply when the set changed; call it after loading a user.
void bind(user& u, const policy_set& policies, time_ms now);

/// What the promotion of a shadow writes for everybody (subject `*`); the caller swaps the set.
decision promotion(const policy_set& after, const event& command, time_ms now);

} // namespace fairuse
