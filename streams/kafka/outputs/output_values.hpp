// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to streams/kafka. The JSON values of output records: fixed order of members, byte-stable, integers and exact
// decimals only. docs/topics.md says what the absence of an optional member means.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/query.hpp"
#include "events/decision.hpp"
#include "streams/enforcement_row.hpp"

namespace fairuse::kafka {

/// What a user is to be told of a decision: a notification, budget_low, budget_exhausted or exemption_ended.
/// `decision_id` is the decision's own; language and time zone are those of the end of the epoch.
void append_notification(std::string& out, const decision& what, const user& who, std::string_view decision_id,
                         std::string_view case_reference, std::uint64_t epoch);

/// The whole current enforcement view of one user under the policy `live`. Kill switch and `enabled` are not in it: a
/// gateway combines it with the row of the controls.
void append_enforcement(std::string& out, const enforcement_row& row, const slot_label& live);

/// The row of the controls.
void append_controls(std::string& out, const controls& in_force, std::uint64_t epoch);

/// The question to a reviewer. REQUIRES: `what` is a review_requested of this user.
void append_review_request(std::string& out, const decision& what, const user& who, std::uint64_t epoch);

} // namespace fairuse::kafka
