// SPDX-License-Identifier: Apache-2.0
//
// The names of time zones that the machine knows. Nothing is computed with them.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>

namespace fairuse {

using time_zone_names = std::set<std::string, std::less<>>;

/// All IANA names, old ones included; nullopt: the machine has no list of them.
std::optional<time_zone_names> read_time_zone_names(
    const std::filesystem::path& list = "/usr/share/zoneinfo/tzdata.zi");

} // namespace fairuse
