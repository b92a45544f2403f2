// SPDX-License-Identifier: Apache-2.0
//
// A certificate: a proof from a few sums that a run decides nothing, under any of some policies. Where no cap and no
// ceiling can be met, no review is asked for, so no stage is reached, no upload is refused and no budget is charged.
// Threads: const, so any.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/event_columns.hpp"
#include "core/policy.hpp"

namespace fairuse {

/// A user's most speech in any `hours[i]` UTC hours in a row is `ms[i]`: of all lanes, where it was spoken or where it
/// came in, whichever is more, and overlaps as often as they come.
struct speech_peaks {
  std::span<const std::int32_t> hours;
  std::span<const std::int64_t> ms;
};

/// What reports count of a run that decides nothing.
struct certified_run {
  std::uint64_t moved_to_backfill = 0;
  std::int64_t stt_ms = 0;
};

class certificate {
public:
  /// The first policy is the live one.
  explicit certificate(std::span<const policy> all);

  /// nullopt: the run has to be decided. REQUIRES: it is all that is known of the user, who has no standing; `peaks`
  /// are of these events or of more; the system is on.
  std::optional<certified_run> of(const event_columns& run, const speech_peaks& peaks) const;

private:
  /// A sum over a span that nothing follows from.
  struct bound {
    std::int64_t span_ms;
    std::int64_t most_ms;
  };
  void add(std::int64_t span_ms, std::int64_t most_ms);
  void add(const policy& rules);
  bool holds(const speech_peaks& peaks, time_ms ahead_ms) const;

  /// The least of each span.
  std::vector<bound> bounds_;
  /// INT64_MAX: no speech is late.
  std::int64_t fresh_within_ms_;
};

} // namespace fairuse
