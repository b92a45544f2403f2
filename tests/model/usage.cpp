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

const speech_segments* segments_of(const event& given) {
  return given.detail != nullptr ? std::get_if<speech_segments>(given.detail) : nullptr;
}

std::int64_t bucket_start(time_ms at, std::int32_t bucket_s) { return at / second_ms / bucket_s * bucket_s; }

/// Speech between edges, in a bucket grid.
std::vector<piece> cut(const event& given, std::int32_t bucket_s) {
  std::vector<piece> pieces;
  const auto* spoken = segments_of(given);
  if (spoken == nullptr) {
    if (given.ms > 0) pieces.push_back({bucket_start(given.time, bucket_s), given.ms});
    return pieces;
  }
  std::set<time_ms> edges;
  for (const auto& each : spoken->segments) {
    edges.insert(given.time + each.begin_ms);
    edges.insert(given.time + each.end_ms);
  }
  if (edges.empty()) return pieces;
  const time_ms grid = bucket_s * second_ms;
  for (auto border = *edges.begin() / grid * grid; border < *edges.rbegin(); border += grid)
    if (border > *edges.begin()) edges.insert(border);
  for (auto edge = edges.begin(); std::next(edge) != edges.end(); ++edge) {
    const auto begin = *edge;
    const auto end = *std::next(edge);
    const bool covered = std::any_of(spoken->segments.begin(), spoken->segments.end(), [&](const segment& each) {
      return given.time + each.begin_ms <= begin and end <= given.time + each.end_ms;
    });
    if (covered) pieces.push_back({bucket_start(begin, bucket_s), end - begin});
  }
  return pieces;
}

std::vector<piece> pieces_of(const metered_event& metered, const metering_profile& profile) {
  if (profile.basis == time_basis::event) return cut(metered.what, profile.bucket_s);
  const auto total = speech_of(metered.what);
  if (total <= 0) return {};
  return {{bucket_start(metered.now, profile.bucket_s), total}};
}

bool counts(const model_slot& where, const metered_event& metered) {
  const auto& slot_rules = where.rules;
  const bool is_switched = where.kind == slot_kind::live or where.kind == slot_kind::alone;
  if (is_switched and slot_rules.off == off_rule::nothing and metered.while_off) return false;
  const bool late = slot_rules.metering.fresh_within_ms > 0
                    and metered.now - metered.what.instant > slot_rules.metering.fresh_within_ms;
  return slot_rules.enforced_lanes[static_cast<std::size_t>(late ? lane::backfill : metered.what.from)];
}

} // namespace

std::int64_t speech_of(const event& given) {
  std::int64_t sum = segments_of(given) == nullptr ? given.ms : 0;
  if (segments_of(given) != nullptr)
    for (const auto& each : cut(given, 60))
      sum += each.ms;
  return sum;
}

std::int64_t naive_user::of_event(const model_slot& where, std::int64_t span_ms, time_ms at,
                                  const metered_event& metered) const {
  if (not counts(where, metered)) return 0;
  std::int64_t sum = 0;
  for (const auto& each : pieces_of(metered, where.rules.metering))
    if (each.bucket_start_s >= at / second_ms - span_ms / second_ms) sum += each.ms;
  return sum;
}

std::int64_t naive_user::sum_over(const model_slot& where, std::int64_t span_ms, time_ms at) const {
  std::int64_t sum = 0;
  for (const auto& each : speech_)
    sum += of_event(where, span_ms, at, each);
  return sum;
}

std::int64_t naive_user::sum(std::size_t slot, std::size_t window, time_ms at) const {
  return sum_over(*slots_[slot], rules(slot).windows[window].span_ms, at);
}

std::int64_t naive_user::cap(std::size_t slot, std::size_t window) const {
  for (const auto& each : rules(slot).plans)
    if (each.plan == plan()) return each.caps_ms[window];
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
  for (std::size_t window = 0; window < rules(slot).windows.size(); ++window)
    if (sum(slot, window, at) > hard_cap(slot, window)) return true;
  return false;
}

bool naive_user::holds_ceiling(std::size_t slot, time_ms at) const {
  const auto& ceiling = rules(slot).ceiling;
  return ceiling.cap_ms > 0 and ceiling.refuses_uploads and not exempt_ and ceiling_sum(slot, at) >= ceiling.cap_ms;
}

std::vector<time_ms> naive_user::instants_of_change(const model_slot& where, time_ms after) const {
  std::set<time_ms> instants;
  const auto leaves = [&](const piece& part, std::int64_t span_ms) {
    const auto at = (part.bucket_start_s + span_ms / second_ms + 1) * second_ms;
    if (at > after) instants.insert(at);
  };
  for (const auto& metered : speech_)
    for (const auto& part : pieces_of(metered, where.rules.metering)) {
      for (const auto& window : where.rules.windows)
        leaves(part, window.span_ms);
      leaves(part, where.rules.ceiling.span_ms);
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
  const auto& history = history_[slot];
  const bool holds = kind == restriction_kind::hard ? history.hard : history.ceiling;
  auto& written =
      write(slot, holds ? decision_kind::restriction_engaged : decision_kind::restriction_lifted, why, at, cause);
  written.restriction = kind;
  if (not holds) return;
  if (kind == restriction_kind::ceiling) {
    written.sum_ms = ceiling_sum(slot, at);
    written.cap_ms = rules(slot).ceiling.cap_ms;
    written.until = first_drained(
        slot, at, [&](time_ms instant) { return ceiling_sum(slot, instant) < rules(slot).ceiling.cap_ms; });
    return;
  }
  for (std::size_t window = rules(slot).windows.size(); window-- > 0;)
    if (sum(slot, window, at) > hard_cap(slot, window)) {
      written.sum_ms = sum(slot, window, at);
      written.cap_ms = hard_cap(slot, window);
    }
  written.until = rules(slot).retry == hard_retry::deadline
                      ? now_at(slot).until
                      : first_drained(slot, at, [&](time_ms instant) { return not holds_hard(slot, instant); });
}

void naive_user::refresh_restrictions(std::size_t slot, time_ms at, const std::string& cause, reason engaged,
                                      reason lifted) {
  auto& history = history_[slot];
  const bool was_hard = history.hard;
  const bool was_ceiling = history.ceiling;
  history.hard = holds_hard(slot, at);
  history.ceiling = holds_ceiling(slot, at);
  history.restrictions_seen = at;
  if (history.hard != was_hard)
    write_restriction(slot, at, cause, restriction_kind::hard, history.hard ? engaged : lifted);
  if (history.ceiling != was_ceiling)
    write_restriction(slot, at, cause, restriction_kind::ceiling, history.ceiling ? reason::ceiling_reached : lifted);
}

std::optional<time_ms> naive_user::next_drain(std::size_t slot) const {
  const auto& history = history_[slot];
  if (not history.hard and not history.ceiling) return std::nullopt;
  const auto due = first_drained(slot, history.restrictions_seen, [&](time_ms instant) {
    return (history.hard and not holds_hard(slot, instant)) or (history.ceiling and not holds_ceiling(slot, instant));
  });
  return due == never ? std::nullopt : std::optional(due);
}

void naive_user::drain(std::size_t slot, time_ms at) {
  auto& history = history_[slot];
  history.restrictions_seen = at;
  if (history.hard and not holds_hard(slot, at)) {
    history.hard = false;
    write_restriction(slot, at, "", restriction_kind::hard, reason::drained);
  }
  if (history.ceiling and not holds_ceiling(slot, at)) {
    history.ceiling = false;
    write_restriction(slot, at, "", restriction_kind::ceiling, reason::drained);
  }
}

} // namespace fairuse::model
