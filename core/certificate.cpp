// SPDX-License-Identifier: Apache-2.0
#include "core/certificate.hpp"

#include <algorithm>

namespace fairuse {

namespace {

/// A window of a day counts from some instant of an hour to `now`, so it touches 25 hours. Speech that was spoken ahead
/// of `now` counts at once: then it ends later. A window begins at a whole second, and so does an hour.
std::int64_t hours_touched(std::int64_t span_ms, time_ms ahead_ms) {
  const auto length_ms = span_ms + (ahead_ms > 0 ? ahead_ms + second_ms : 0);
  return (length_ms + hour_ms - 1) / hour_ms + 1;
}

/// Is no sum over so many hours above `most_ms`? Longer windows hold them, and so do several shorter ones.
bool stays_within(const speech_peaks& peaks, std::int64_t hours, std::int64_t most_ms) {
  for (std::size_t i = 0; i < peaks.hours.size(); ++i)
    if (peaks.ms[i] <= most_ms / ((hours + peaks.hours[i] - 1) / peaks.hours[i])) return true;
  return false;
}

/// Does it neither write a decision nor ask for one?
bool is_harmless(const event& what) {
  switch (what.kind) {
    case event_kind::speech:
    case event_kind::stt:
    case event_kind::conversation:
      return true;
    case event_kind::account: // Content that was made on exhausted credits is locked.
      return not detail_of<account_fact>(what).credits_exhausted.value_or(false);
    case event_kind::review:
    case event_kind::admin:
    case event_kind::erasure:
      return false;
  }
  return false;
}

} // namespace

certificate::certificate(std::span<const policy> all)
  : fresh_within_ms_(all.front().metering.fresh_within_ms > 0 ? all.front().metering.fresh_within_ms : INT64_MAX) {
  for (const auto& each : all)
    add(each);
}

void certificate::add(std::int64_t span_ms, std::int64_t most_ms) {
  const auto known =
      std::find_if(bounds_.begin(), bounds_.end(), [span_ms](const bound& each) { return each.span_ms == span_ms; });
  if (known == bounds_.end())
    bounds_.push_back({span_ms, most_ms});
  else
    known->most_ms = std::min(known->most_ms, most_ms);
}

// The least cap of all plans: a user may change the plan.
void certificate::add(const policy& rules) {
  for (std::size_t window = 0; window < rules.windows.size(); ++window) {
    const auto& rule = rules.windows[window];
    add(rule.span_ms, rule.cap_ms);
    for (const auto& plan : rules.plans)
      add(rule.span_ms, plan.caps_ms[window]);
  }
  if (rules.ceiling.cap_ms > 0) add(rules.ceiling.span_ms, rules.ceiling.cap_ms - 1);
}

bool certificate::holds(const speech_peaks& peaks, time_ms ahead_ms) const {
  return std::all_of(bounds_.begin(), bounds_.end(), [&](const bound& each) {
    return stays_within(peaks, hours_touched(each.span_ms, ahead_ms), each.most_ms);
  });
}

std::optional<certified_run> certificate::of(const event_columns& run, const speech_peaks& peaks) const {
  if (not holds(peaks, 0) or not std::all_of(run.whole.begin(), run.whole.end(), is_harmless)) return std::nullopt;
  certified_run out;
  time_ms ahead_ms = 0;
  for (std::size_t i = 0; i < run.count; ++i) {
    const auto tag = run.tag[i];
    if (tag.kind() == event_kind::speech) {
      const auto late_ms = run.now[i] - run.instant[i];
      ahead_ms = std::max(ahead_ms, -late_ms);
      out.moved_to_backfill += late_ms > fresh_within_ms_ and tag.from() != lane::backfill;
    } else if (tag.kind() == event_kind::stt) {
      out.stt_ms += std::max(0, run.ms[i]);
    }
  }
  if (ahead_ms > 0 and not holds(peaks, ahead_ms)) return std::nullopt;
  return out;
}

} // namespace fairuse
