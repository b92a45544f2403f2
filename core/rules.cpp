// SPDX-License-Identifier: Apache-2.0
#include "core/rules.hpp"

#include <algorithm>
#include <utility>

#include "core/context.hpp"
#include "core/run.hpp"
#include "core/speech.hpp"
#include "core/sums.hpp"
#include "core/timers.hpp"

namespace fairuse {

namespace {

void make_ready(user& who, const controls& in_force, time_ms now, step_output& out) {
  bind(who, *in_force.policies, now);
  if (out.tallies.size() != in_force.policies->slot_count()) out.tallies.resize(in_force.policies->slot_count());
}

bool has_kept_id(const event& what) { return what.kind == event_kind::speech or what.kind == event_kind::stt; }

/// `accepted`, or why the event is refused before its contents matter.
applied admit(user& who, const policy_set& policies, time_ms now, const event& what, std::int64_t horizon_ms) {
  const auto late = lateness(what, now, policies.retention_ms(), horizon_ms);
  if (late != applied::accepted) return late;
  // An erasure that was carried out already is a duplicate.
  if (what.instant <= who.erased_at) return what.kind == event_kind::erasure ? applied::duplicate : applied::erased;
  return has_kept_id(what) and not detail::is_new(who, what, now) ? applied::duplicate : applied::accepted;
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
  return has_kept_id(what) and what.instant < now - retention_ms ? applied::too_old : applied::accepted;
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
    how = detail::take(live, what);
  }
  detail::count(out.counts, how);
  return how;
}

std::size_t apply(user& who, const controls& in_force, const event_columns& run, std::size_t first, std::size_t last,
                  step_output& out) {
  make_ready(who, in_force, run.now[first], out);
  return detail::run_of_events(who, in_force, run, out).take(first, last);
}

void replace(user& gone, user&& who) {
  auto logs = std::move(gone.metered);
  gone = std::move(who);
  for (std::size_t i = 0; i < std::min(logs.size(), gone.metered.size()); ++i) {
    if (gone.metered[i].size() > 0) continue;
    logs[i].clear();
    gone.metered[i] = std::move(logs[i]);
  }
}

bool needs_older_ids(const event& what, time_ms now) {
  return has_kept_id(what) and hour_of(what.instant) < first_id_hour(now);
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
