// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to actors. What a person should know whose promotion changed nothing.
#pragma once

#include <string>
#include <string_view>

#include "core/policy_set.hpp"

namespace fairuse {

/// A sentence. REQUIRES: `policy` cannot be promoted among `loaded` at `now`.
std::string why_not_promoted(const policy_set& loaded, std::string_view policy, time_ms now);

} // namespace fairuse
