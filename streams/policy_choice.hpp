// SPDX-License-Identifier: Apache-2.0
//
// Which policies a run of the process begins with: the configured ones, or, as long as the configuration has not
// changed, what was promoted since. Both modes use it, and keep the choice in the settings of their store.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/policy_set.hpp"
#include "storage/local_store.hpp"

namespace fairuse {

struct policy_choice {
  /// Nullptr: a policy that was promoted cannot be read any more.
  std::shared_ptr<const policy_set> policies;
  /// The configuration names other policies than in the last run.
  bool changed = false;
  /// A promotion is still in force.
  bool promoted = false;
};

/// `settings` and `stored` are what the last run remembered, at `now`; nothing is remembered if `first`. Updates
/// `settings`. `read`: policy by digest, from the store or the topic of policies.
policy_choice choose_policies(const policy& live, const std::vector<policy>& shadows, std::int64_t usage_retention_ms,
                              const stored_controls& stored, std::map<std::string, std::string>& settings, bool first,
                              time_ms now, const std::function<std::optional<policy>(const std::string&)>& read);

/// What slots `in_force` loads, by digest.
stored_controls stored_from(const controls& in_force);

/// Keys of commands to all users, as settings["command_ids"] keeps them.
std::vector<std::uint64_t> command_ids_from(std::string_view text);
void append_command_id(std::string& text, std::uint64_t key);

/// Ages of the metering profiles of `loaded`. Profiles that `settings` lack begin at `now`; `now` = INT64_MIN in an
/// empty store, where all of them have always been kept.
std::vector<profile_age> profile_ages(const std::map<std::string, std::string>& settings,
                                      const std::vector<const policy*>& loaded, time_ms now);

/// A setting by key; empty if there is none.
std::string setting_of(const std::map<std::string, std::string>& settings, const std::string& key);

} // namespace fairuse
