// SPDX-License-Identifier: Apache-2.0
#include "core/rules.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "core/context.hpp"

namespace fairuse {

namespace detail {

standing& context::touch() {
  if (u.standings.empty()) u.standings.resize(set().slots().size());
  auto& mine = u.standings[slot];
  if (not mine) mine = std::make_unique<standing>();
  u.changed.standings |= std::uint64_t{1} << slot;
  return *mine;
}

bool judges(const user& u, const controls& in_force, slot_kind kind) {
  if (in_force.killed or u.exempt) return false;
  switch (kind) {
    case slot_kind::live:
      return in_force.enabled;
    case slot_kind::off:
      return not in_force.enabled;
    case slot_kind::shadow:
      break;
  }
  return true;
}

bool context::judges() const { return detail::judges(u, in_force, spec().kind); }

std::int64_t context::hard_cap(std::size_t window) const {
  const auto& r = rules();
  return r.hard == hard_caps::plan ? r.cap_ms(window, u.plan()) : r.windows[window].cap_ms;
}

decision& context::write(decision_kind kind, reason why) {
  auto& d = out.decisions.emplace_back();
  d.kind = kind;
  d.why = why;
  d.slot = &spec().label;
  d.time = at;
  d.cause = cause;
  d.sum_count = static_cast<std::uint8_t>(rules().windows.size());
  for (std::size_t w = 0; w < d.sum_count; ++w)
    d.sums[w] = sum(w);
  return d;
}

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

std::array<time_ms, 4> due_times(const standing& s) {
  return {after(s.until), s.used_ms > 0 ? (s.utc_day + 1) * day_ms : never,
          s.pending != 0 ? after(s.pending_until) : never, s.drain_due};
}

due_timer earliest(const user& u) {
  due_timer first;
  for (std::size_t slot = 0; slot < u.standings.size(); ++slot) {
    if (not u.standings[slot]) continue;
    const auto times = due_times(*u.standings[slot]);
    for (std::size_t what = 0; what < times.size(); ++what)
      first = std::min(first, due_timer{times[what], static_cast<timer>(what), slot});
  }
  return first;
}

void fire(user& u, const controls& c, const due_timer& t, step_output& out) {
  context x{u, c, out, t.due, {}, t.slot};
  switch (t.what) {
    case timer::stage_end:
      end_stage(x);
      return;
    case timer::budget_reset:
      reset_budget(x);
      return;
    case timer::review_timeout:
      time_out_review(x);
      return;
    case timer::drain:
      u.sums.wake(t.slot);
      lift_drained(x);
      return;
  }
}

bool charges_uploads(const policy& rules) { return rules.budget.per_utc_day_ms > 0 and rules.budget.charge_uploads; }

/// Slots whose budget an upload is charged to: those that track it before the upload counts.
std::uint64_t tracking_slots(user& u, const controls& c, time_ms now, step_output& out) {
  std::uint64_t tracking = 0;
  for (std::size_t slot = 0; slot < u.sums.policies->slots().size(); ++slot) {
    context x{u, c, out, now, {}, slot};
    if (charges_uploads(x.rules()) and budget_tracked(x)) tracking |= std::uint64_t{1} << slot;
  }
  return tracking;
}

bool refuses_upload(const context& x) {
  const auto* s = x.known();
  return s != nullptr and (s->hard or s->ceiling or budget_blocks(x));
}

/// The live slot is quiet although caps are exceeded: say why, as an evaluation would.
void count_held_back(user& u, const controls& c, time_ms now, const event& e, step_output& out) {
  const context x{u, c, out, now, {}, 0};
  const auto from = lane_under(x.set().profiles()[x.set().views()[x.spec().view].profile], now, e);
  if (x.judges() and x.rules().enforced_lanes[static_cast<std::size_t>(from)])
    count_quiet(out.counts, u.sums.watch(0).why);
}

applied apply_speech(user& u, const controls& c, time_ms now, const event& e, step_output& out) {
  if (not u.ids.add(hour_of(e.instant), e.key)) return applied::duplicate;
  u.note_id_hour(hour_of(e.instant));
  const bool upload = e.from == lane::sync;
  const auto tracking = upload ? tracking_slots(u, c, now, out) : 0;
  meter(u, c, now, e, out);
  const auto& slots = u.sums.policies->slots();
  for (std::size_t slot = 0; slot < slots.size(); ++slot) {
    const auto& watched = u.sums.watch(slot);
    const bool quiet = watched.quiet(u.sums.odometer(slots[slot].view), now);
    if (quiet and not upload) {
      if (slot == 0 and watched.why != quiet_reason::none) count_held_back(u, c, now, e, out);
      continue;
    }
    context x{u, c, out, now, {}, slot};
    if (not x.judges()) continue;
    const auto cause = event_id(e);
    x.cause = cause;
    const bool refused = upload and refuses_upload(x);
    if (not quiet)
      evaluate(x, e);
    else if (slot == 0 and watched.why != quiet_reason::none)
      count_held_back(u, c, now, e, out);
    if (refused)
      x.tally().upload_refused_ms += speech_ms(e, out.spoken_scratch);
    else if ((tracking >> slot & 1) != 0)
      charge(x, e, speech_ms(e, out.spoken_scratch));
  }
  return applied::accepted;
}

applied apply_stt(user& u, const controls& c, time_ms now, const event& e, step_output& out) {
  if (not u.ids.add(hour_of(e.instant), e.key)) return applied::duplicate;
  u.note_id_hour(hour_of(e.instant));
  if (e.ms <= 0) return applied::accepted;
  const auto& slots = u.sums.policies->slots();
  for (std::size_t slot = 0; slot < slots.size(); ++slot) {
    context x{u, c, out, now, {}, slot};
    auto& tally = x.tally();
    tally.stt_ms += e.ms;
    if (not x.judges()) continue;
    const auto* rule = x.rules().step_of(x.current_stage());
    if (rule != nullptr and rule->economy_stt) tally.stt_economy_ms += e.ms;
    if (not x.rules().budget.charge_stt or not budget_tracked(x)) continue;
    if (budget_blocks(x)) {
      tally.stt_blocked_ms += e.ms;
      continue;
    }
    const auto cause = event_id(e);
    x.cause = cause;
    charge(x, e, e.ms);
  }
  return applied::accepted;
}

applied apply_kind(user& u, const controls& c, time_ms now, const event& e, step_output& out) {
  switch (e.kind) {
    case event_kind::speech:
      return apply_speech(u, c, now, e, out);
    case event_kind::stt:
      return apply_stt(u, c, now, e, out);
    case event_kind::account:
      return apply_account(u, c, now, e, out);
    case event_kind::conversation:
      return apply_conversation(u, e);
    case event_kind::review: {
      auto how = applied::accepted;
      answer_review(u, c, now, e, out, how);
      return how;
    }
    case event_kind::admin:
      return apply_admin(u, c, now, e, out);
    case event_kind::erasure:
      return apply_erasure(u, c, now, e, out);
  }
  return applied::accepted;
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
  }
}

void make_ready(user& u, const controls& c, time_ms now, step_output& out) {
  bind(u, *c.policies, now);
  if (out.tallies.size() != c.policies->slots().size()) out.tallies.resize(c.policies->slots().size());
}

/// `accepted`, or why the event is refused before anything looks inside.
applied admit(const user& u, const policy_set& set, time_ms now, const event& e, std::int64_t horizon_ms) {
  const auto late = lateness(e, now, set.retention_ms(), horizon_ms);
  if (late != applied::accepted or e.instant > u.erased_at) return late;
  // An erasure that was carried out already says nothing new.
  return e.kind == event_kind::erasure ? applied::duplicate : applied::erased;
}

} // namespace

time_ms next_due(const standing& s) {
  const auto times = due_times(s);
  return *std::min_element(times.begin(), times.end());
}

} // namespace detail

applied lateness(const event& e, time_ms now, std::int64_t retention_ms, std::int64_t horizon_ms) {
  if (e.instant > now + horizon_ms) return applied::future;
  const bool metered = e.kind == event_kind::speech or e.kind == event_kind::stt;
  return metered and e.instant < now - retention_ms ? applied::too_old : applied::accepted;
}

void advance(user& u, const controls& c, time_ms now, step_output& out) {
  detail::make_ready(u, c, now, out);
  while (u.next_due <= now) {
    detail::fire(u, c, detail::earliest(u), out);
    u.next_due = detail::earliest(u).due;
  }
  detail::prune(u, now);
}

applied apply(user& u, const controls& c, time_ms now, const event& e, std::int64_t horizon_ms, step_output& out) {
  detail::make_ready(u, c, now, out);
  auto how = detail::admit(u, *c.policies, now, e, horizon_ms);
  if (how == applied::accepted) {
    // A timer moves only where a standing was touched, and most events touch none.
    const auto noted = std::exchange(u.changed.standings, 0);
    how = detail::apply_kind(u, c, now, e, out);
    if (u.changed.standings != 0) u.next_due = detail::earliest(u).due;
    if (e.kind != event_kind::erasure) u.changed.standings |= noted;
  }
  detail::count(out.counts, how);
  return how;
}

bool needs_older_ids(const event& e, time_ms now) {
  const bool keyed = e.kind == event_kind::speech or e.kind == event_kind::stt;
  return keyed and hour_of(e.instant) < hour_of(now - day_ms);
}

decision promotion(const policy_set& after, const event& command, time_ms now) {
  const auto& what = detail_of<admin_command>(command);
  decision d;
  d.kind = decision_kind::policy_promoted;
  d.why = reason::admin;
  d.slot = &after.live().label;
  d.time = now;
  d.cause = event_id(command);
  d.who = what.actor;
  d.note = what.policy;
  return d;
}

} // namespace fairuse
