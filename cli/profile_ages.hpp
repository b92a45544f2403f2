// SPDX-License-Identifier: Apache-2.0
//
// Since when each metering profile has been kept: a store remembers it, because a policy whose profile came later knows
// nothing of the speech before and cannot be promoted until its longest span has passed.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/policy_set.hpp"

namespace fairuse::cli {

/// Ages of the profiles of `loaded`. Profiles that `remembered` (store_meta::settings) does not know begin at `now`;
/// `now` = INT64_MIN in an empty store, where all of them have always been kept.
std::vector<profile_age> profile_ages(const std::map<std::string, std::string>& remembered,
                                      const std::vector<const policy*>& loaded, time_ms now);

/// The same as a setting, and under which key.
inline constexpr const char* profiles_setting = "profiles";
std::string profiles_text(const std::vector<profile_age>& ages);

} // namespace fairuse::cli
