// SPDX-License-Identifier: Apache-2.0
#include "core/timers.hpp"

#include <algorithm>
#include <array>
#include <compare>

#include "core/budget.hpp"
#include "core/facts.hpp"
#include "core/ladder.hpp"
#include "core/limits.hpp"
#include "core/reviews.hpp"

namespace fairuse::detail {

namespace {

/// Persistent order: timers due at the same instant fire in this one. The end of an exemption is the user's and the
/// others are a slot's, so it comes first: whatever is due with it meets a user who is judged again.
enum class timer : std::uint8_t { exemption_end, stage_end, budget_reset, review_timeout, drain };
/// The first that is a slot's.
constexpr auto first_of_slot = static_cast<std::uint8_t>(timer::stage_end);

struct due_timer {
  time_ms due = never;
  timer what = timer::exemption_end;
  std::size_t slot = 0;
  friend auto operator<=>(const due_timer&, const due_timer&) = default; // NOLINT(modernize-use-nullptr): clang 14
};

/// A deadline still holds at its instant.
time_ms after(time_ms deadline) { return deadline == never ? never : deadline + 1; }

/// Of the timers of a slot, in the order of `timer`.
std::array<time_ms, 4> due_times(const standing& of) {
  return {
      after(of.until),
      of.used_ms > 0 ? utc_day_end(of.utc_day) : never,
      of.pending != 0 ? after(of.pending_until) : never,
      of.drain_due,
  };
}

due_timer earliest(const user& who) {
  due_timer first{after(who.exempt_until), timer::exemption_end, 0};
  for (std::size_t slot = 0; slot < who.standings.size(); ++slot) {
    if (not who.standings[slot]) continue;
    const auto times = due_times(*who.standings[slot]);
    for (std::size_t what = 0; what < times.size(); ++what)
      first = std::min(first, due_timer{times[what], static_cast<timer>(first_of_slot + what), slot});
  }
  return first;
}

void fire(slot_context context, timer what) {
  switch (what) {
    case timer::exemption_end:
      end_exemption(context);
      return;
    case timer::stage_end:
      end_stage(context);
      return;
    case timer::budget_reset:
      reset_budget(context);
      return;
    case timer::review_timeout:
      time_out_review(context);
      return;
    case timer::drain:
      lift_drained(context);
      return;
  }
}

} // namespace

time_ms next_due(const standing& of) {
  const auto times = due_times(of);
  return *std::min_element(times.begin(), times.end());
}

time_ms next_due(const user& who) { return earliest(who).due; }

void fire_timers(user& who, const controls& in_force, time_ms now, step_output& out) {
  while (who.next_due <= now) {
    const auto first = earliest(who);
    fire({who, in_force, out, first.due, nullptr, first.slot}, first.what);
    who.next_due = next_due(who);
  }
}

} // namespace fairuse::detail
