// SPDX-License-Identifier: Apache-2.0
//
// Makes the traffic of one user as small as it can be while something holds of it: merges speech into recordings with
// segments, deletes, then shortens. The result is the same for the same traffic, and a smaller step of none of these
// kinds would keep what holds (tried one after the other, so it need not be the smallest there is).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sim/cases/usage_sentence.hpp"

namespace fairuse::sim {

/// A review that was requested; its answer is an event.
struct asked_review {
  std::string slot;
  std::uint32_t number = 0;
  time_ms at = 0;
  /// `never`: it did not time out.
  time_ms timed_out_at = never;
};

struct user_traffic_parts {
  /// In the order in which they came.
  std::vector<case_event> events;
  std::vector<asked_review> reviews;
};

using holds_of = std::function<bool(const user_traffic_parts&)>;

/// What new events point at is in the arena. REQUIRES: `still` holds of `from`.
user_traffic_parts reduce(user_traffic_parts from, event_arena& arena, const holds_of& still);

} // namespace fairuse::sim
