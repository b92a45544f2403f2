// SPDX-License-Identifier: Apache-2.0
//
// Which policies a run of the process begins with. A policy that was promoted stays live until the live policy of the
// configuration itself changes; that change is a promotion by a command that the engine writes. Both modes use this,
// and keep the choice in the settings of their store.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/pure/result.hpp"
#include "core/id_log.hpp"
#include "core/permanent_ids.hpp"
#include "core/policy_set.hpp"
#include "storage/local_store.hpp"

namespace fairuse {

struct configured_policies {
  const policy& live;
  const std::vector<policy>& shadows;
  std::int64_t usage_retention_ms = 0;
};

/// What the last run left, at `now`; nothing if `first`, or if no policy is in force.
struct remembered_policies {
  const stored_controls& controls;
  /// Brought up to date.
  std::map<std::string, std::string>& settings;
  bool first = false;
  time_ms now = 0;
  /// Policy by digest, from the store or the topic of policies; nullopt: it cannot be read.
  std::function<std::optional<policy>(const std::string&)> read;
  /// Is there usage in the store that is not before this hour?
  std::function<bool(hour_number)> has_usage;
};

struct policy_choice {
  std::shared_ptr<const policy_set> policies;
  /// The configuration names other policies than in the last run.
  bool changed = false;
  /// The live policy was promoted, and the configuration's has not changed since.
  bool stays = false;
  /// A shadow among `policies` that a command has to promote, because it is the configuration's live policy now; empty:
  /// none.
  std::string promotes;
};

struct choice_error {
  enum class kind : std::uint8_t { unreadable, refused } what = kind::refused;
  std::string message;
};

result<policy_choice, choice_error> choose_policies(const configured_policies& configured,
                                                    const remembered_policies& remembered);

/// The choice of a replay: exactly these policies, with the ages that the journal has.
std::shared_ptr<const policy_set> policies_of_journal(const configured_policies& in_force, const std::string& ages,
                                                      std::map<std::string, std::string>& settings);

/// For the log, after a start that is not the first; empty: nothing to say.
std::string text_of(const policy_choice& choice);
/// What is in force, for people: `live fair (0123456789ab), shadow fair-2 (0123456789ab), kill switch off`.
std::string text_of(const controls& in_force);

/// What slots `in_force` loads, by digest.
stored_controls stored_from(const controls& in_force);
/// Since when `in_force` has metered and its slots have been loaded, for the next choice. A profile that a promotion
/// unloads is not metered any more.
void keep_ages(const controls& in_force, std::map<std::string, std::string>& settings);

/// Ids of commands to all users, as `settings` keep them: keys in "command_ids", contents in "command_contents".
std::vector<permanent_id> command_ids_from(const std::map<std::string, std::string>& settings);
void append_command_id(std::map<std::string, std::string>& settings, const permanent_id& id);

/// Ages as `settings` keep them; `slots` nullopt: those of an earlier build, which always were loaded.
struct kept_ages {
  std::vector<profile_age> profiles;
  std::optional<std::vector<slot_age>> slots;
};
kept_ages kept_ages_from(const std::map<std::string, std::string>& settings);

/// Ages of the metering profiles and slots of `loaded`, from `settings`; those that these lack begin at `now`.
policy_ages ages_of(const std::map<std::string, std::string>& settings, const std::vector<const policy*>& loaded,
                    time_ms now);

/// A setting by key; empty if there is none.
std::string setting_of(const std::map<std::string, std::string>& settings, const std::string& key);

} // namespace fairuse
