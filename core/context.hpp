// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to core: what every rule needs at hand while it works on one slot of one user.
#pragma once

#include <string>
#include <string_view>

#include "core/query.hpp"
#include "core/rules.hpp"
#include "core/sums.hpp"
#include "core/user.hpp"

namespace fairuse::detail {

/// Does a slot of this kind judge? Live while enabled, `off` while not, shadows always; nobody while killed, exempt
/// never.
bool judges(const user& u, const controls& in_force, slot_kind kind);

struct context {
  user& u;
  const controls& in_force;
  step_output& out;
  /// The instant that decisions carry: `now`, or the due instant of the timer that fires.
  time_ms at;
  /// Event id; empty for timers.
  std::string_view cause;
  std::size_t slot = 0;

  const policy_set& set() const { return *u.sums.policies; }
  const slot_spec& spec() const { return set().slots()[slot]; }
  const policy& rules() const { return spec().rules; }
  /// nullptr: nothing has happened in this slot.
  standing* known() const { return u.standings.empty() ? nullptr : u.standings[slot].get(); }
  /// The standing, made if needed, and noted as changed.
  standing& touch();
  slot_tally& tally() { return out.tallies[slot]; }
  stage current_stage() const { return known() ? known()->at : stage::none; }

  /// Does this slot judge now?
  bool judges() const;
  std::int64_t sum(std::size_t window) { return sum_at(u, spec().spans[window], at); }
  /// The cap that a stage's `caps: hard` compares with.
  std::int64_t hard_cap(std::size_t window) const;

  /// Append a decision with slot, time, cause and sums filled in.
  decision& write(decision_kind kind, reason why);
};

/// UTC day number.
inline std::int32_t utc_day(time_ms at) { return static_cast<std::int32_t>(at / day_ms); }

/// Earliest due timer of a standing.
time_ms next_due(const standing& s);

// core/ladder.cpp

struct verdict {
  std::int32_t score_nano = 0;
  usage_type type = usage_type::none;
  reason why = reason::verdict;
  std::uint32_t request = 0;
  /// Cooldowns count from here.
  time_ms asked_at = 0;
};

/// A finished review: mark, perhaps a strike, perhaps one step up.
void finish_review(context& x, const verdict& v);
/// Move to a stage whose deadline counts from x.at (or is `until`), and write what follows from it.
void enter_stage(context& x, stage to, reason why, usage_type type = usage_type::none, std::string_view who = {},
                 std::string_view note = {});
/// The stage's timer.
void end_stage(context& x);
/// Recompute the stage from marks after strikes were cleared; writes one stage_changed iff stage or end differs.
void refold(context& x, reason why, std::string_view who = {}, std::string_view note = {});
/// Clear one strike if it counts; true if it did.
bool clear_strike(context& x, mark& m, reason why, std::string_view who = {}, std::string_view note = {});
std::uint32_t strikes_since(const standing& s, time_ms from);
void add_mark(context& x, mark m);

// core/limits.cpp

/// Compare sums with caps after speech; ask for a review if one is exceeded.
void evaluate(context& x, const event& e);
/// Sums against hard caps and ceiling, now: write engaged and lifted.
void refresh_restrictions(context& x, reason engaged, reason lifted);
/// The drain timer: lift what no longer holds. Engages nothing, so a timer that fires early writes nothing.
void lift_drained(context& x);
/// Is a cap of the user's plan exceeded at x.at? (Whoever judges not, does not exceed.)
bool exceeds(context& x);
/// STT or an upload of `ms` against this slot's budget; `tracked` as it was before the event.
bool budget_tracked(context& x);
void charge(context& x, const event& e, std::int64_t ms);
bool budget_blocks(const context& x);
void refresh_exhausted(context& x);
void reset_budget(context& x);

// core/reviews.cpp

/// May this slot ask for a review at x.at, and if not, why and until when (`never`: until something else happens)?
struct asking_state {
  quiet_reason held_back = quiet_reason::none;
  time_ms next = never;
};
asking_state may_ask(const context& x);
void count_quiet(counters& counts, quiet_reason why);
/// Some caps are exceeded: ask, synthesise, borrow, or count why not.
void ask_review(context& x, std::uint8_t exceeded);
void answer_review(user& u, const controls& in_force, time_ms now, const event& e, step_output& out, applied& how);
void time_out_review(context& x);

// core/query.cpp

/// See drains_at; the walk begins at `position`, where the sum is `sum`. If it passes `entries_max` entries, the
/// instant is early.
time_ms drains_from(const user& u, const policy_set& set, const drain_limit& limit, std::uint32_t position,
                    std::int64_t sum, time_ms now, std::uint32_t entries_max = UINT32_MAX);

// core/facts.cpp

/// Note an id that has no other trace; false if it was noted before.
bool remember_for_ever(user& u, std::uint64_t key);

applied apply_account(user& u, const controls& in_force, time_ms now, const event& e, step_output& out);
applied apply_conversation(user& u, const event& e);
applied apply_admin(user& u, const controls& in_force, time_ms now, const event& e, step_output& out);
applied apply_erasure(user& u, const controls& in_force, time_ms now, const event& e, step_output& out);

} // namespace fairuse::detail
