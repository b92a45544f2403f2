// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/user.hpp"

namespace fairuse {

/// Connect a user to a policy set: sums are recomputed from buckets, standings move by slot name. Called by advance and
/// apply when the set changed; call it after loading a user.
void bind(user& who, const policy_set& policies, time_ms now);

} // namespace fairuse
