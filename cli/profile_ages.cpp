// SPDX-License-Identifier: Apache-2.0

#include "cli/profile_ages.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace fairuse::cli {

namespace {

std::vector<profile_age> read_ages(const std::string& text) {
  std::vector<profile_age> ages;
  const auto list = nlohmann::json::parse(text, nullptr, false);
  if (not list.is_array()) return ages;
  for (const auto& each : list)
    ages.push_back({{.bucket_s = each.value("bucket_s", 0),
                     .basis = each.value("arrival", false) ? time_basis::arrival : time_basis::event,
                     .fresh_within_ms = each.value("fresh_within_ms", std::int64_t{0})},
                    each.value("since", time_ms{INT64_MIN})});
  return ages;
}

} // namespace

std::vector<profile_age> profile_ages(const std::map<std::string, std::string>& remembered,
                                      const std::vector<const policy*>& loaded, time_ms now) {
  const auto found = remembered.find(profiles_setting);
  const auto known = found == remembered.end() ? std::vector<profile_age>{} : read_ages(found->second);
  std::vector<profile_age> ages;
  for (const auto* each : loaded) {
    const auto same = [&](const profile_age& age) { return age.profile == each->metering; };
    if (std::any_of(ages.begin(), ages.end(), same)) continue;
    const auto before = std::find_if(known.begin(), known.end(), same);
    ages.push_back(before == known.end() ? profile_age{each->metering, now} : *before);
  }
  return ages;
}

std::string profiles_text(const std::vector<profile_age>& ages) {
  auto list = nlohmann::json::array();
  for (const auto& each : ages) {
    list.push_back({{"bucket_s", each.profile.bucket_s},
                    {"arrival", each.profile.basis == time_basis::arrival},
                    {"fresh_within_ms", each.profile.fresh_within_ms}});
    if (each.since != INT64_MIN) list.back()["since"] = each.since;
  }
  return list.dump();
}

} // namespace fairuse::cli
