// SPDX-License-Identifier: Apache-2.0
//
// The configuration's switches, exempt users and live policy, as admin events. They are written when the
// configuration's value differs from the one that was written last, so that a command sent later stays in force over
// restarts.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "config/deployment.hpp"

namespace fairuse {

struct config_commands {
  /// Subject and event line of each; empty if nothing changed.
  std::vector<std::pair<std::string, std::string>> lines;
  /// What the store remembers with them.
  std::map<std::string, std::string> settings;
};

/// `promotes`: policy_choice::promotes. REQUIRES: `remembered` is store_meta::settings.
config_commands make_config_commands(const deployment& wanted, const std::map<std::string, std::string>& remembered,
                                     const std::string& promotes);

} // namespace fairuse
