// SPDX-License-Identifier: Apache-2.0
//
// How speech is counted: overlapping segments once, in the buckets in which it was spoken (or came), and under a lane.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/bucket_log.hpp"
#include "core/policy_set.hpp"
#include "events/event.hpp"

namespace fairuse {

/// Part of an event's speech after union, absolute instants.
struct spoken {
  time_ms begin;
  time_ms end;
};

/// Union in time order: overlaps once.
void unite(std::vector<spoken>& parts);

/// The same of a speech event's segments. Empty segments vanish.
void unite(const event& what, std::vector<spoken>& out);

/// The lane that speech has under a profile: late speech moves to backfill.
inline lane lane_under(const metering_profile& profile, time_ms now, time_ms instant, lane from) {
  const bool late = profile.fresh_within_ms > 0 and now - instant > profile.fresh_within_ms;
  return late ? lane::backfill : from;
}

/// What one event puts into one bucket.
struct added_speech {
  bucket_index bucket;
  std::int64_t ms;
};

/// All of it in one bucket: in which it was spoken, or came.
inline added_speech in_one_bucket(const metering_profile& profile, time_ms now, time_ms time, std::int64_t total_ms) {
  return {bucket_of(profile.basis == time_basis::arrival ? now : time, profile.bucket_s), total_ms};
}

/// One speech event as each metering profile counts it: worked out once per event, then used by sums, slots and
/// budgets. Its memory is reused from event to event.
class speech_spread {
public:
  /// REQUIRES: `what` is speech.
  void compute(const policy_set& policies, time_ms now, const event& what);

  /// All speech of the event, overlaps once.
  std::int64_t total_ms() const { return total_ms_; }
  /// The lane, and the buckets in time order, under profile number `profile`.
  lane from(std::size_t profile) const { return parts_[profile].from; }
  std::span<const added_speech> added(std::size_t profile) const {
    const auto& part = parts_[profile];
    return {added_.data() + part.begin, added_.data() + part.end};
  }

private:
  /// added_[begin, end) are a profile's.
  struct profile_part {
    std::uint32_t begin;
    std::uint32_t end;
    lane from;
  };
  void compute_segments(const std::vector<metering_profile>& profiles, time_ms now, const event& what);
  void spread_segments(const metering_profile& profile);

  std::int64_t total_ms_ = 0;
  std::vector<spoken> spoken_;
  std::vector<added_speech> added_; ///< of all profiles, one after the other
  std::vector<profile_part> parts_; ///< per profile
};

} // namespace fairuse
