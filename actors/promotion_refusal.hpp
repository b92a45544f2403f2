// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to actors. Whether a shadow may become live, and what a person should know whose promotion changed nothing.
#pragma once

#include <string>

#include "core/policy_set.hpp"

namespace fairuse {

/// There is such a shadow, it is the one that the command means, and its sums are complete. It may still be too many
/// policies to be loaded together. REQUIRES: a promotion.
bool may_promote(const policy_set& loaded, const admin_command& what, time_ms now);

/// A sentence. REQUIRES: the policy cannot be promoted among `loaded` at `now`.
std::string why_not_promoted(const policy_set& loaded, const admin_command& what, time_ms now);

} // namespace fairuse
