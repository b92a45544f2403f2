// SPDX-License-Identifier: Apache-2.0

#include "streams/policy_choice.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/pure/hex.hpp"
#include "base/pure/numbers.hpp"

namespace fairuse {

namespace {

constexpr const char* configured_setting = "config.policies";
constexpr const char* profiles_setting = "profiles";

// The configured policies as one text: when it changes, earlier promotions are void.
std::string configured_text(const policy& live, const std::vector<policy>& shadows) {
  std::string text = live.digest;
  for (const auto& each : shadows)
    text += " " + each.name + "=" + each.digest;
  return text;
}

std::vector<profile_age> read_ages(std::string_view text) {
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

} // namespace

std::string setting_of(const std::map<std::string, std::string>& settings, const std::string& key) {
  const auto found = settings.find(key);
  return found == settings.end() ? std::string{} : found->second;
}

policy_choice choose_policies(const policy& live, const std::vector<policy>& shadows, std::int64_t usage_retention_ms,
                              const stored_controls& stored, std::map<std::string, std::string>& settings, bool first,
                              time_ms now, const std::function<std::optional<policy>(const std::string&)>& read) {
  policy_choice made;
  const auto configured = configured_text(live, shadows);
  const auto before = setting_of(settings, configured_setting);
  made.changed = not first and before != configured;
  made.promoted = not first and not made.changed and stored.live != live.digest;
  auto chosen_live = made.promoted ? read(stored.live) : std::optional(live);
  auto chosen_shadows = made.promoted ? std::vector<policy>() : shadows;
  if (made.promoted)
    for (const auto& digest : stored.shadows)
      if (auto shadow = read(digest)) chosen_shadows.push_back(std::move(*shadow));
  settings[configured_setting] = configured;
  if (not chosen_live or (made.promoted and chosen_shadows.size() != stored.shadows.size())) return made;
  std::vector<const policy*> loaded = {&*chosen_live};
  for (const auto& each : chosen_shadows)
    loaded.push_back(&each);
  auto ages = profile_ages(settings, loaded, first ? INT64_MIN : now);
  settings[profiles_setting] = profiles_text(ages);
  made.policies = policy_set::make(*chosen_live, std::move(chosen_shadows), usage_retention_ms, review_mode::shared,
                                   std::move(ages));
  return made;
}

stored_controls stored_from(const controls& in_force) {
  stored_controls stored{.enabled = in_force.enabled, .killed = in_force.killed};
  for (const auto& slot : in_force.policies->slots()) {
    if (slot.kind == slot_kind::live)
      stored.live = slot.label.digest;
    else if (slot.kind == slot_kind::shadow)
      stored.shadows.push_back(slot.label.digest);
  }
  return stored;
}

std::vector<std::uint64_t> command_ids_from(std::string_view text) {
  std::vector<std::uint64_t> ids;
  for (std::size_t i = 0; i + 16 <= text.size(); i += 16)
    ids.push_back(parse_number<std::uint64_t>(text.substr(i, 16), 16).value_or(0));
  return ids;
}

void append_command_id(std::string& text, std::uint64_t key) { text += to_hex(key); }

std::vector<profile_age> profile_ages(const std::map<std::string, std::string>& settings,
                                      const std::vector<const policy*>& loaded, time_ms now) {
  const auto known = read_ages(setting_of(settings, profiles_setting));
  std::vector<profile_age> ages;
  for (const auto* each : loaded) {
    const auto same = [&](const profile_age& age) { return age.profile == each->metering; };
    if (std::any_of(ages.begin(), ages.end(), same)) continue;
    const auto before = std::find_if(known.begin(), known.end(), same);
    ages.push_back(before == known.end() ? profile_age{each->metering, now} : *before);
  }
  return ages;
}

} // namespace fairuse
