// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to core: what every rule needs at hand while it works on one slot of one user.
#pragma once

#include <cstdint>

#include "core/policy_set.hpp"
#include "core/step_output.hpp"
#include "core/sums.hpp"
#include "core/user.hpp"
#include "events/decision.hpp"
#include "events/event.hpp"

namespace fairuse::detail {

/// Does this slot judge a user? Live while enabled, `off` while not if its policy says so, shadows always; none while
/// killed, and none an exempt user.
bool judges(bool exempt, const controls& in_force, const slot_spec& slot);

struct slot_context {
  user& who;
  const controls& in_force;
  step_output& out;
  /// The instant that decisions carry: `now`, or the due instant of the timer that fires.
  time_ms at;
  /// The event that is applied; nullptr: a timer fires.
  const event* cause = nullptr;
  /// 0 is the live slot.
  std::size_t slot = 0;

  slot_context in_slot(std::size_t other) const { return {who, in_force, out, at, cause, other}; }

  const policy_set& policies() const { return *who.sums.policies; }
  const slot_spec& spec() const { return policies().slots()[slot]; }
  const policy& rules() const { return spec().rules; }
  /// nullptr: nothing has happened in this slot.
  standing* known() const { return who.standings.empty() ? nullptr : who.standings[slot].get(); }
  /// The standing, made if needed, and noted as changed.
  standing& touch();
  slot_tally& tally() const { return out.tallies[slot]; }
  stage current_stage() const { return known() ? known()->at : stage::none; }
  bool on_free_plan() const { return rules().is_free(who.plan()); }

  /// Does this slot judge now?
  bool judges() const { return detail::judges(who.exempt, in_force, spec()); }
  /// The running sum of a span at `at`: what read_limits asks for.
  auto running_sums() const {
    return [this](std::size_t span) { return sum_at(who, span, at); };
  }

  /// Append a decision with slot, time, cause and sums filled in.
  decision& write(decision_kind kind, reason why);
};

} // namespace fairuse::detail
