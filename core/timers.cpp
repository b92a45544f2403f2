// SPDX-License-Identifier: Apache-2.0
#include "core/timers.hpp"

#include <algorithm>
#include <array>
#include <compare>

#include "core/budget.hpp"
#include "core/ladder.hpp"
#include "core/limits.hpp"
#include "core/reviews.hpp"

namespace fairuse::detail {

namespace {

/// Persistent order: timers due at the same instant fire in this one.
enum class timer : std::uint8_t { stage_end, budget_reset, review_timeout, drain };

struct due_timer {
  time_ms due = never;
  timer what = timer::stage_end;
  std::size_t slot = 0;
  friend auto operator<=>(const due_timer&, const due_timer&) = default; // NOLINT(modernize-use-nullptr): clang 14
};

/// A deadline still holds at its instant.
time_ms after(time_ms deadline) { return deadline == never ? never : deadline + 1; }

/// In the order of `timer`.
std::array<time_ms, 4> due_times(const standing& of) {
  return {
      after(of.until),
      of.used_ms > 0 ? utc_day_end(of.utc_day) : never,
      of.pending != 0 ? after(of.pending_until) : never,
      of.drain_due,
  };
}

due_timer earliest(const user& who) {
  due_timer first;
  for (std::size_t slot = 0; slot < who.standings.size(); ++slot) {
    if (not who.standings[slot]) continue;
    const auto times = due_times(*who.standings[slot]);
    for (std::size_t what = 0; what < times.size(); ++what)
      first = std::min(first, due_timer{times[what], static_cast<timer>(what), slot});
  }
  return first;
}

void fire(slot_context context, timer what) {
  switch (what) {
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
