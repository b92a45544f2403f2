// SPDX-License-Identifier: Apache-2.0
//
// The same users, decided by the naive model (tests/model), which shares no rule with the engine: every decision on the
// topic is one that the model makes, in the order in which it makes them, and none is missing (I1, I2, I3, I11).
// Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/protocol/committed_log.hpp"

namespace fairuse::protocol {

/// REQUIRES: nothing was promoted. Throws broken_invariant.
void check_decisions(fixture& in, const committed_log& of);

struct applied_event {
  std::uint64_t epoch = 0;
  time_ms now = 0;
  std::string source;
  std::string id;
};

/// What the model did with the inputs.
struct model_outcome {
  /// By user, in their order.
  std::map<std::string, std::vector<applied_event>> applied;
  std::uint64_t duplicates = 0;
  std::uint64_t stale = 0;
  /// To all users, the first of each id.
  std::uint64_t commands = 0;
};

/// REQUIRES: nothing was promoted.
model_outcome outcome_of_model(fixture& in, const committed_log& of);

} // namespace fairuse::protocol
