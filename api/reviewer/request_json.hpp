// SPDX-License-Identifier: Apache-2.0
//
// A review request as it stands in its record on Kafka (docs/topics.md) or in a decision of a local store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/reviewer/review_request.hpp"

namespace fairuse {

/// False: the record is no request.
bool read_request(std::string_view uid, std::string_view value, review_request& to, std::uint64_t& epoch);

/// Without conversations and caps: these stand in the user's rows and in the policy.
struct decided_request {
  review_request what;
  std::string slot;
  std::string policy_digest;
};
/// One line of a store's decisions; nullopt: it is another decision.
std::optional<decided_request> read_decided_request(std::string_view decision);

} // namespace fairuse
