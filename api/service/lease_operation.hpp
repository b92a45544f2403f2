// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to api/service. POST /v1/gate with a session, of a user whose budget holds: the owner of the user's
// partition answers, and reserves what the session is about to use.
//
// Threads: any.
#pragma once

#include <string>

#include "api/gate/lease_table.hpp"
#include "api/service/gate_operation.hpp"
#include "streams/committed_user.hpp"

namespace fairuse {

/// Without a lease the answer would let sessions side by side overspend.
bool needs_lease(const gate_question& asked, const gate_answer& answer, const gate_facts& facts);

struct lease_source {
  lease_table& leases;
  /// Each answer is counted where it is made.
  gate_counts& answers;
};

/// At the owner. `now`: the clock that ends refusals.
std::string leased_answer_json(const committed_user& user, const gate_question& asked, const lease_source& at,
                               time_ms now);

/// No owner has answered: allowed.
std::string unleased_answer_json(const gate_facts& facts, gate_counts& answers);

} // namespace fairuse
