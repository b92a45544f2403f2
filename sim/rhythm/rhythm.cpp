// SPDX-License-Identifier: Apache-2.0

#include "sim/rhythm/rhythm.hpp"

#include <algorithm>

namespace fairuse::sim {

namespace {

struct row {
  std::string_view name;
  std::uint32_t duration_ms;
  std::uint32_t speech_ms;
  std::uint32_t segments;
  std::uint32_t median_segment_ms;
  std::span<const std::uint16_t> minutes;
};

/// The minutes of one row as an array with static storage.
template <std::uint16_t... Ms>
constexpr std::uint16_t minutes_of[] = {Ms...};

#define FAIRUSE_RECORDING(name, duration, speech, segments, median, ...) \
  {name, duration, speech, segments, median, minutes_of<__VA_ARGS__>},

const row meetings[] = {
#include "sim/rhythm/meetings.inc"
};

const row broadcasts[] = {
#include "sim/rhythm/broadcasts.inc"
};

#undef FAIRUSE_RECORDING

} // namespace

rhythm::rhythm(rhythm_kind kind) {
  const std::span<const row> rows =
      kind == rhythm_kind::meetings ? std::span<const row>(meetings) : std::span<const row>(broadcasts);
  for (const row& each : rows) {
    recordings_.push_back({each.name, each.duration_ms, each.speech_ms, each.segments, each.median_segment_ms,
                           static_cast<std::uint32_t>(minutes_.size()),
                           static_cast<std::uint32_t>(each.minutes.size())});
    minutes_.insert(minutes_.end(), each.minutes.begin(), each.minutes.end());
  }
  // The series is continued with its own beginning, far enough that no excerpt reaches past the end.
  const std::size_t joined = minutes_.size();
  std::uint32_t behind_ms = 0;
  for (std::size_t i = 0; behind_ms <= cut_max_ms; ++i) {
    minutes_.push_back(minutes_[i % joined]);
    behind_ms += minutes_.back();
  }
  before_.reserve(minutes_.size() + 1);
  before_.push_back(0);
  for (const std::uint16_t ms : minutes_)
    before_.push_back(before_.back() + ms);
}

excerpt rhythm::cut(std::uint32_t first_minute, std::uint32_t speech_ms) const {
  const std::uint32_t target = before_[first_minute] + speech_ms;
  // No minute holds more than 60,000 ms, so the end is not before this one.
  const auto begin = before_.begin() + first_minute + speech_ms / 60'000;
  const auto end = std::lower_bound(begin, before_.end(), target);
  const auto last = static_cast<std::uint32_t>(end - before_.begin());
  return {first_minute, last - first_minute, target - before_[last - 1]};
}

const rhythm& rhythm_of(rhythm_kind kind) {
  static const rhythm all[] = {rhythm(rhythm_kind::meetings), rhythm(rhythm_kind::broadcasts)};
  return all[static_cast<std::size_t>(kind)];
}

} // namespace fairuse::sim
