// SPDX-License-Identifier: Apache-2.0
//
// The model's sums: added up from all speech, every time. Segments are cut at every edge and every bucket border, and a
// piece counts if any segment covers it.
#include <algorithm>

#include "tests/model/naive_user.hpp"

namespace fairuse::model {

namespace {

/// A part of an event's speech: which bucket (its start in seconds), how much.
struct piece {
  std::int64_t bucket_start_s;
  std::int64_t ms;
};

const speech_segments* segments_of(const event& e) {
  return e.detail != nullptr ? std::get_if<speech_segments>(e.detail) : nullptr;
}

std::int64_t bucket_start(time_ms at, std::int32_t bucket_s) { return at / second_ms / bucket_s * bucket_s; }

/// Speech between edges, in a bucket grid.
std::vector<piece> cut(const event& e, std::int32_t bucket_s) {
  std::vector<piece> pieces;
  const auto* spoken = segments_of(e);
  if (spoken == nullptr) {
    if (e.ms > 0) pieces.push_back({bucket_start(e.time, bucket_s), e.ms});
    return pieces;
  }
  std::set<time_ms> edges;
  for (const auto& s : spoken->segments) {
    edges.insert(e.time + s.begin_ms);
    edges.insert(e.time + s.end_ms);
  }
  if (edges.empty()) return pieces;
  const time_ms grid = bucket_s * second_ms;
  for (auto border = *edges.begin() / grid * grid; border < *edges.rbegin(); border += grid)
    if (border > *edges.begin()) edges.insert(border);
  for (auto edge = edges.begin(); std::next(edge) != edges.end(); ++edge) {
    const auto begin = *edge;
    const auto end = *std::next(edge);
    const bool covered = std::any_of(spoken->segments.begin(), spoken->segments.end(), [&](const segment& s) {
      return e.time + s.begin_ms <= begin and end <= e.time + s.end_ms;
    });
    if (covered) pieces.push_back({bucket_start(begin, bucket_s), end - begin});
  }
  return pieces;
}

std::vector<piece> pieces_of(const metered_event& h, const metering_profile& profile) {
  if (profile.basis == time_basis::event) return cut(h.what, profile.bucket_s);
  const auto total = speech_of(h.what);
  if (total <= 0) return {};
  return {{bucket_start(h.now, profile.bucket_s), total}};
}

bool counts(const model_slot& where, const metered_event& h) {
  const auto& r = where.rules;
  if (where.kind == slot_kind::live and r.off == off_rule::nothing and h.while_off) return false;
  const bool late = r.metering.fresh_within_ms > 0 and h.now - h.what.instant > r.metering.fresh_within_ms;
  return r.enforced_lanes[static_cast<std::size_t>(late ? lane::backfill : h.what.from)];
}

} // namespace

std::int64_t speech_of(const event& e) {
  std::int64_t sum = segments_of(e) == nullptr ? e.ms : 0;
  if (segments_of(e) != nullptr)
    for (const auto& p : cut(e, 60))
      sum += p.ms;
  return sum;
}

std::int64_t naive_user::of_event(const model_slot& where, std::int64_t span_ms, time_ms at,
                                  const metered_event& h) const {
  if (not counts(where, h)) return 0;
  std::int64_t sum = 0;
  for (const auto& p : pieces_of(h, where.rules.metering))
    if (p.bucket_start_s >= at / second_ms - span_ms / second_ms) sum += p.ms;
  return sum;
}

std::int64_t naive_user::sum_over(const model_slot& where, std::int64_t span_ms, time_ms at) const {
  std::int64_t sum = 0;
  for (const auto& h : speech_)
    sum += of_event(where, span_ms, at, h);
  return sum;
}

std::int64_t naive_user::sum(std::size_t slot, std::size_t window, time_ms at) const {
  return sum_over(*slots_[slot], rules(slot).windows[window].span_ms, at);
}

std::int64_t naive_user::cap(std::size_t slot, std::size_t window) const {
  for (const auto& p : rules(slot).plans)
    if (p.plan == plan()) return p.caps_ms[window];
  return rules(slot).windows[window].cap_ms;
}

std::int64_t naive_user::hard_cap(std::size_t slot, std::size_t window) const {
  return rules(slot).hard == hard_caps::plan ? cap(slot, window) : rules(slot).windows[window].cap_ms;
}

std::int64_t naive_user::ceiling_sum(std::size_t slot, time_ms at) const {
  return sum_over(*slots_[slot], rules(slot).ceiling.span_ms, at);
}

bool naive_user::holds_hard(std::size_t slot, time_ms at) const {
  const auto* rule = rules(slot).step_of(now_at(slot).at);
  if (rule == nullptr or not rule->hard_caps or exempt_) return false;
  for (std::size_t w = 0; w < rules(slot).windows.size(); ++w)
    if (sum(slot, w, at) > hard_cap(slot, w)) return true;
  return false;
}

bool naive_user::holds_ceiling(std::size_t slot, time_ms at) const {
  const auto& c = rules(slot).ceiling;
  return c.cap_ms > 0 and c.refuses_uploads and not exempt_ and ceiling_sum(slot, at) >= c.cap_ms;
}

std::vector<time_ms> naive_user::instants_of_change(const model_slot& where, time_ms after) const {
  std::set<time_ms> instants;
  const auto leaves = [&](const piece& p, std::int64_t span_ms) {
    const auto at = (p.bucket_start_s + span_ms / second_ms + 1) * second_ms;
    if (at > after) instants.insert(at);
  };
  for (const auto& h : speech_)
    for (const auto& p : pieces_of(h, where.rules.metering)) {
      for (const auto& w : where.rules.windows)
        leaves(p, w.span_ms);
      leaves(p, where.rules.ceiling.span_ms);
    }
  return {instants.begin(), instants.end()};
}

template <class Drained>
time_ms naive_user::first_drained(std::size_t slot, time_ms at, Drained&& drained) const {
  if (drained(at)) return at;
  for (const auto instant : instants_of_change(*slots_[slot], at))
    if (drained(instant)) return instant;
  return never;
}

void naive_user::write_restriction(std::size_t slot, time_ms at, const std::string& cause, restriction_kind kind,
                                   reason why) {
  const auto& h = history_[slot];
  const bool holds = kind == restriction_kind::hard ? h.hard : h.ceiling;
  auto& d = write(slot, holds ? decision_kind::restriction_engaged : decision_kind::restriction_lifted, why, at, cause);
  d.restriction = kind;
  if (not holds) return;
  if (kind == restriction_kind::ceiling) {
    d.sum_ms = ceiling_sum(slot, at);
    d.cap_ms = rules(slot).ceiling.cap_ms;
    d.until = first_drained(slot, at, [&](time_ms t) { return ceiling_sum(slot, t) < rules(slot).ceiling.cap_ms; });
    return;
  }
  for (std::size_t w = rules(slot).windows.size(); w-- > 0;)
    if (sum(slot, w, at) > hard_cap(slot, w)) {
      d.sum_ms = sum(slot, w, at);
      d.cap_ms = hard_cap(slot, w);
    }
  d.until = rules(slot).retry == hard_retry::deadline
                ? now_at(slot).until
                : first_drained(slot, at, [&](time_ms t) { return not holds_hard(slot, t); });
}

void naive_user::refresh_restrictions(std::size_t slot, time_ms at, const std::string& cause, reason engaged,
                                      reason lifted) {
  auto& h = history_[slot];
  const bool was_hard = h.hard;
  const bool was_ceiling = h.ceiling;
  h.hard = holds_hard(slot, at);
  h.ceiling = holds_ceiling(slot, at);
  h.restrictions_seen = at;
  if (h.hard != was_hard) write_restriction(slot, at, cause, restriction_kind::hard, h.hard ? engaged : lifted);
  if (h.ceiling != was_ceiling)
    write_restriction(slot, at, cause, restriction_kind::ceiling, h.ceiling ? reason::ceiling_reached : lifted);
}

std::optional<time_ms> naive_user::next_drain(std::size_t slot) const {
  const auto& h = history_[slot];
  if (not h.hard and not h.ceiling) return std::nullopt;
  const auto due = first_drained(slot, h.restrictions_seen, [&](time_ms t) {
    return (h.hard and not holds_hard(slot, t)) or (h.ceiling and not holds_ceiling(slot, t));
  });
  return due == never ? std::nullopt : std::optional(due);
}

void naive_user::drain(std::size_t slot, time_ms at) {
  auto& h = history_[slot];
  h.restrictions_seen = at;
  if (h.hard and not holds_hard(slot, at)) {
    h.hard = false;
    write_restriction(slot, at, "", restriction_kind::hard, reason::drained);
  }
  if (h.ceiling and not holds_ceiling(slot, at)) {
    h.ceiling = false;
    write_restriction(slot, at, "", restriction_kind::ceiling, reason::drained);
  }
}

} // namespace fairuse::model
