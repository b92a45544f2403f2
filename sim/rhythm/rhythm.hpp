// SPDX-License-Identifier: Apache-2.0
//
// Real speech, minute by minute (sources: sim/rhythm/README.md). The recordings of a kind lie end to end on a tape that
// closes into a ring: a session is a stretch of it, so a long one runs on into the next meeting, as days of meetings
// do. Threads: immutable.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace fairuse::sim {

enum class rhythm_kind : std::uint8_t { meetings = 0, broadcasts = 1 };

struct recording {
  std::string_view name;
  std::uint32_t duration_ms = 0;
  std::uint32_t speech_ms = 0;
  std::uint32_t segments = 0;
  std::uint32_t median_segment_ms = 0;
  /// Place on the tape.
  std::uint32_t first_minute = 0;
  std::uint32_t minutes = 0;
};

/// A piece of tape: all of its minutes in full, but only `last_ms` of the last one.
struct stretch {
  std::uint32_t first_minute = 0;
  std::uint32_t minutes = 0;
  std::uint32_t last_ms = 0;
};

class rhythm {
public:
  /// Longest stretch that cut() can be asked for, in ms of speech: about a day and a half.
  static constexpr std::uint32_t cut_max_ms = 60'000'000;

  explicit rhythm(rhythm_kind kind);

  std::span<const recording> recordings() const { return recordings_; }

  /// Ms of speech per minute, long enough behind the last recording for any stretch that starts inside one.
  std::span<const std::uint16_t> tape() const { return tape_; }

  /// The stretch from `first_minute` that holds exactly `speech_ms`. REQUIRES: first_minute lies in a recording,
  /// 0 < speech_ms <= cut_max_ms.
  stretch cut(std::uint32_t first_minute, std::uint32_t speech_ms) const;

private:
  std::vector<recording> recordings_;
  std::vector<std::uint16_t> tape_;
  /// before_[i]: speech of the minutes before i.
  std::vector<std::uint32_t> before_;
};

/// Built once per process.
const rhythm& rhythm_of(rhythm_kind kind);

} // namespace fairuse::sim
