// SPDX-License-Identifier: Apache-2.0
#include "core/rules.hpp"

#include <utility>

#include "core/context.hpp"
#include "core/facts.hpp"
#include "core/reviews.hpp"
#include "core/speech.hpp"
#include "core/sums.hpp"
#include "core/timers.hpp"

namespace fairuse {

namespace {

void make_ready(user& who, const controls& in_force, time_ms now, step_output& out) {
  bind(who, *in_force.policies, now);
  if (out.tallies.size() != in_force.policies->slot_count()) out.tallies.resize(in_force.policies->slot_count());
}

/// `accepted`, or why the event is refused before its contents matter.
applied admit(const user& who, const policy_set& policies, time_ms now, const event& what, std::int64_t horizon_ms) {
  const auto late = lateness(what, now, policies.retention_ms(), horizon_ms);
  if (late != applied::accepted or what.instant > who.erased_at) return late;
  // An erasure that was carried out already is a duplicate.
  return what.kind == event_kind::erasure ? applied::duplicate : applied::erased;
}

applied apply_kind(detail::slot_context& live, const event& what) {
  switch (what.kind) {
    case event_kind::speech:
      return detail::apply_speech(live, what);
    case event_kind::stt:
      return detail::apply_stt(live, what);
    case event_kind::account:
      return detail::apply_account(live, what);
    case event_kind::conversation:
      return detail::apply_conversation(live.who, what);
    case event_kind::review:
      return detail::apply_review(live, what);
    case event_kind::admin:
      return detail::apply_admin(live, what);
    case event_kind::erasure:
      return detail::apply_erasure(live, what);
  }
  return applied::accepted;
}

/// Apply, and note when the next timer is due. A timer moves only where a standing was touched, and most events touch
/// none.
applied apply_admitted(detail::slot_context& live, const event& what) {
  auto& who = live.who;
  const auto touched_before = std::exchange(who.changed.standings, 0);
  const auto how = apply_kind(live, what);
  if (who.changed.standings != 0) who.next_due = detail::next_due(who);
  if (what.kind != event_kind::erasure) who.changed.standings |= touched_before;
  return how;
}

void count(counters& counts, applied how) {
  switch (how) {
    case applied::accepted:
      ++counts.accepted;
      return;
    case applied::duplicate:
      ++counts.duplicates;
      return;
    case applied::stale:
      ++counts.stale;
      return;
    case applied::too_old:
      ++counts.too_old;
      return;
    case applied::future:
      ++counts.future;
      return;
    case applied::erased:
      ++counts.erased;
      return;
    case applied::unknown_strike:
      return; // A dead letter is counted where it is written.
  }
}

/// Without sums: it is about all users.
decision decision_for_all(decision_kind kind, const policy_set& loaded, const event& command, time_ms now) {
  const auto& order = detail_of<admin_command>(command);
  decision written;
  written.kind = kind;
  written.slot = &loaded.live().label;
  written.time = now;
  written.cause = event_id(command);
  written.who = order.actor;
  written.note = order.reason;
  return written;
}

} // namespace

applied lateness(const event& what, time_ms now, std::int64_t retention_ms, std::int64_t horizon_ms) {
  if (what.instant > now + horizon_ms) return applied::future;
  const bool metered = what.kind == event_kind::speech or what.kind == event_kind::stt;
  return metered and what.instant < now - retention_ms ? applied::too_old : applied::accepted;
}

void advance(user& who, const controls& in_force, time_ms now, step_output& out) {
  make_ready(who, in_force, now, out);
  detail::fire_timers(who, in_force, now, out);
  detail::prune(who, now);
}

applied apply(user& who, const controls& in_force, time_ms now, const event& what, std::int64_t horizon_ms,
              step_output& out) {
  make_ready(who, in_force, now, out);
  auto how = admit(who, *in_force.policies, now, what, horizon_ms);
  if (how == applied::accepted) {
    detail::slot_context live{who, in_force, out, now, &what};
    how = apply_admitted(live, what);
  }
  count(out.counts, how);
  return how;
}

bool needs_older_ids(const event& what, time_ms now) {
  const bool keyed = what.kind == event_kind::speech or what.kind == event_kind::stt;
  return keyed and hour_of(what.instant) < first_id_hour(now);
}

decision promotion(const policy_set& after, const event& command, time_ms now) {
  auto written = decision_for_all(decision_kind::policy_promoted, after, command, now);
  written.why = reason::admin;
  written.promoted = detail_of<admin_command>(command).policy;
  return written;
}

decision switched(const policy_set& loaded, const event& command, time_ms now) {
  const auto& order = detail_of<admin_command>(command);
  auto written = decision_for_all(decision_kind::stage_changed, loaded, command, now);
  if (order.verb == admin_verb::enable)
    written.why = order.on ? reason::system_on : reason::system_off;
  else
    written.why = order.on ? reason::kill_switch : reason::kill_switch_off;
  return written;
}

} // namespace fairuse
