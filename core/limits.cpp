// SPDX-License-Identifier: Apache-2.0
#include "core/limits.hpp"

#include <algorithm>

#include "core/quiet.hpp"
#include "core/reviews.hpp"

namespace fairuse::detail {

namespace {

limits_reading read_windows(slot_context& context) {
  return read_limits(window_limits(context.spec(), context.who.plan()), context.running_sums());
}

/// Of the event at hand, what counts in a window at context.at.
std::int64_t ms_of_event(const slot_context& context, std::size_t window) {
  const auto& span = context.policies().spans()[context.spec().spans[window]];
  const auto first = first_counted(context.at, span.span_s, context.policies().bucket_s(span));
  std::int64_t sum = 0;
  for (const auto& speech : context.out.speech.added(context.policies().profile_of(context.spec())))
    sum += speech.bucket >= first ? speech.ms : 0;
  return sum;
}

/// A cap is crossed by the event without which its window would not exceed it.
void write_crossings(slot_context& context, const limits_reading& windows) {
  for (std::size_t window = 0; window < windows.limits.count; ++window) {
    if (not windows.is_exceeded(window)) continue;
    const auto cap = windows.limits.all[window].limit_ms;
    if (windows.sums[window] - ms_of_event(context, window) > cap) continue;
    auto& written = context.write(decision_kind::cap_crossed, reason::cap_exceeded);
    written.window = static_cast<std::uint8_t>(window);
    written.sum_ms = windows.sums[window];
    written.cap_ms = cap;
  }
}

void write_engaged(slot_context& context, restriction_kind kind, const restrictions_reading& reading, reason why,
                   time_ms drains) {
  auto& written = context.write(decision_kind::restriction_engaged, why);
  written.restriction = kind;
  const auto held = held_limit_of(context.spec(), kind, reading);
  written.sum_ms = held.sum_ms;
  written.cap_ms = held.cap_ms;
  const bool until_deadline = kind == restriction_kind::hard and context.rules().retry == hard_retry::deadline;
  written.until = until_deadline ? context.known()->until : drains;
}

void write_lifted(slot_context& context, restriction_kind kind, reason why) {
  context.write(decision_kind::restriction_lifted, why).restriction = kind;
}

/// Note which restrictions hold and when they drain; write what changed.
void put_restrictions(slot_context& context, const restrictions_reading& reading, reason engaged, reason lifted) {
  auto& standing = context.touch();
  const bool was_hard = standing.hard;
  const bool was_ceiling = standing.ceiling;
  standing.hard = reading.holds_hard;
  standing.ceiling = reading.holds_ceiling;
  const auto drains = [&](bool holds, const limits_reading& of) {
    return holds ? drains_at(context.who, context.policies(), of.limits, context.at) : never;
  };
  const auto hard_drains = drains(standing.hard, reading.hard);
  const auto ceiling_drains = drains(standing.ceiling, reading.ceiling);
  standing.drain_due = std::min(hard_drains, ceiling_drains);
  if (standing.hard and not was_hard)
    write_engaged(context, restriction_kind::hard, reading, engaged, hard_drains);
  else if (was_hard and not standing.hard)
    write_lifted(context, restriction_kind::hard, lifted);
  if (standing.ceiling and not was_ceiling)
    write_engaged(context, restriction_kind::ceiling, reading, reason::ceiling_reached, ceiling_drains);
  else if (was_ceiling and not standing.ceiling)
    write_lifted(context, restriction_kind::ceiling, lifted);
}

} // namespace

void evaluate(slot_context& context) {
  const auto from = context.out.speech.from(context.policies().profile_of(context.spec()));
  if (not context.rules().enforced_lanes[static_cast<std::size_t>(from)]) return;
  const auto windows = read_windows(context);
  write_crossings(context, windows);
  refresh_restrictions(context, reason::cap_exceeded, reason::usage_restored);
  if (windows.exceeded != 0) ask_review(context, windows.exceeded);
  begin_quiet(context, windows);
}

bool exceeds_cap(slot_context& context) {
  if (is_quiet(context.who, context.slot, context.at)) return context.who.sums.quiet(context.slot).exceeded != 0;
  return read_windows(context).exceeded != 0;
}

restrictions_reading read_restrictions(slot_context& context) {
  if (context.who.exempt) return {};
  return read_restrictions(context.spec(), context.current_stage(), context.who.plan(), context.running_sums());
}

void refresh_restrictions(slot_context& context, reason engaged, reason lifted) {
  const auto* before = context.known();
  const bool was_hard = before != nullptr and before->hard;
  const bool was_ceiling = before != nullptr and before->ceiling;
  const auto reading = read_restrictions(context);
  if (not was_hard and not was_ceiling and not reading.holds_hard and not reading.holds_ceiling) {
    if (before != nullptr and before->drain_due != never) context.touch().drain_due = never;
    return;
  }
  // Speech only delays a drain: the stored due may then be early, and is exact again when it fires.
  const bool unchanged = was_hard == reading.holds_hard and was_ceiling == reading.holds_ceiling;
  if (unchanged and engaged == reason::cap_exceeded and before->drain_due > context.at) return;
  put_restrictions(context, reading, engaged, lifted);
}

void lift_drained(slot_context& context) {
  const auto& before = *context.known();
  context.who.sums.end_quiet(context.slot);
  auto reading = read_restrictions(context);
  reading.holds_hard = reading.holds_hard and before.hard;
  reading.holds_ceiling = reading.holds_ceiling and before.ceiling;
  put_restrictions(context, reading, reason::none, reason::drained);
  // The instant to try again has passed, and there is a later one that no decision tells.
  if (context.slot == 0 and context.known()->drain_due != never) context.who.changed.retry_at = true;
}

} // namespace fairuse::detail
