// SPDX-License-Identifier: Apache-2.0
#include "streams/notices.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/pure/text.hpp"
#include "events/json_text.hpp"

namespace fairuse {

namespace {

/// Of plans, and of time zones.
constexpr std::size_t told_values_max = 10;

/// The plan that a loaded policy names so but for its case; empty: none, or one names it exactly.
std::string_view meant_plan(const std::string& plan, const policy_set& in_force) {
  std::string_view meant;
  for (const auto& slot : in_force.slots()) {
    const auto knows = [&](const std::string& name) {
      if (equal_ignoring_case(name, plan) and (meant.empty() or name < meant)) meant = name;
      return name == plan;
    };
    const auto& rules = slot.rules;
    if (std::any_of(rules.free_plans.begin(), rules.free_plans.end(), knows)) return {};
    if (std::any_of(rules.plans.begin(), rules.plans.end(), [&](const auto& each) { return knows(each.plan); }))
      return {};
  }
  return meant;
}

} // namespace

void notices::case_key_changed() {
  if (not std::exchange(told_case_key_, true))
    warn_("the case key is another one than last time: references that were made under the other one are not known");
}

void notices::reused_ids(std::uint64_t count) {
  if (count > 0 and not std::exchange(told_reused_ids_, true))
    warn_(
        "a command has the id of an earlier command and says something else: it was dropped as a duplicate. Give "
        "every command an id of its own (the run's report counts `reused_command_ids`)");
}

void notices::accounts(std::span<const addressed_event> events, const policy_set& in_force) {
  for (const auto& each : events) {
    if (each.what.kind != event_kind::account) continue;
    const auto& fact = detail_of<account_fact>(each.what);
    if (fact.plan) look_at_plan(*fact.plan, in_force);
    if (fact.time_zone) look_at_zone(*fact.time_zone);
  }
}

void notices::look_at_plan(const std::string& plan, const policy_set& in_force) {
  const auto meant = meant_plan(plan, in_force);
  if (meant.empty()) return;
  if (const auto named = quoted_once(told_plans_, plan); not named.empty())
    warn_(
        fmt::format("account events name the plan {}; the policies name `{}`, and case counts: users of {} have the "
                    "caps of any other paid plan. Send the plan as the policies write it",
                    named, meant, named));
}

void notices::look_at_zone(const std::string& zone) {
  if (not std::exchange(has_read_zones_, true)) zones_ = read_time_zone_names();
  if (not zones_ or zones_->count(zone) > 0) return;
  if (const auto named = quoted_once(told_zones_, zone); not named.empty())
    warn_(
        fmt::format("account events name the time zone {}, which is none: send an IANA name such as `Europe/Berlin` "
                    "(no rule uses it; it is kept as it came)",
                    named));
}

std::string notices::quoted_once(std::set<std::string>& told, const std::string& value) {
  std::string quoted;
  if (told.size() < told_values_max and told.insert(value).second) append_json(quoted, value);
  return quoted;
}

std::string first_dead_letter_text(std::string_view where, refusal why, std::string_view place,
                                   std::string_view reader) {
  return fmt::format("the first dead letter for `{}`{}{}: {}. {} It is told once; all of them: {}", to_text(why),
                     place.empty() ? "" : " at ", place, where, remedy(why, place), reader);
}

} // namespace fairuse
