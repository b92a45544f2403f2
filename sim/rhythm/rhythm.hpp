// SPDX-License-Identifier: Apache-2.0
//
// Recorded speech, minute by minute (sources: sim/rhythm/README.md). The recordings of a kind are joined to one
// circular series of minutes. A session is an excerpt of it, so a long session continues in the next recording.
// Threads: immutable.
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
  /// Place in the series.
  std::uint32_t first_minute = 0;
  std::uint32_t minutes = 0;
};

/// Consecutive minutes of the series: all of them in full, but only `last_ms` of the last one.
struct excerpt {
  std::uint32_t first_minute = 0;
  std::uint32_t minutes = 0;
  std::uint32_t last_ms = 0;
};

class rhythm {
public:
  /// Most ms of speech that cut() can be asked for: 16 h 40 min.
  static constexpr std::uint32_t cut_max_ms = 60'000'000;

  explicit rhythm(rhythm_kind kind);

  std::span<const recording> recordings() const { return recordings_; }

  /// Ms of speech per minute, long enough behind the last recording for any excerpt that starts inside one.
  std::span<const std::uint16_t> minutes() const { return minutes_; }

  /// The excerpt from `first_minute` that holds exactly `speech_ms`. REQUIRES: first_minute lies in a recording,
  /// 0 < speech_ms <= cut_max_ms.
  excerpt cut(std::uint32_t first_minute, std::uint32_t speech_ms) const;

private:
  std::vector<recording> recordings_;
  std::vector<std::uint16_t> minutes_;
  /// before_[i]: ms of speech in the minutes before i.
  std::vector<std::uint32_t> before_;
};

/// Built once per process.
const rhythm& rhythm_of(rhythm_kind kind);

} // namespace fairuse::sim
