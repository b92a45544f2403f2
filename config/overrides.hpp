// SPDX-License-Identifier: Apache-2.0
//
// The environment variables that existing installations use: FAIR_USE_* and MAX_DAILY_AUDIO_HOURS. They act on `fairuse
// run` only, on the live policy and the deployment, before the digest is taken.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/deployment.hpp"

namespace fairuse {

/// One variable that was applied; worth a log line at start. `before` and `after` are in the file's own units.
struct override_note {
  std::string variable;
  /// What it changed: `fair: windows.daily.cap`, `retention.usage`.
  std::string changed;
  std::string before;
  std::string after;
};

struct override_report {
  std::vector<override_note> notes;
  /// Sentences that begin with the variable's name and say what to do. If there are any, nothing was changed.
  std::vector<std::string> problems;
  /// Sentences of the same kind about what is applied all the same.
  std::vector<std::string> warnings;
};

using environment = std::map<std::string, std::string>;

/// FAIR_USE_* or MAX_DAILY_AUDIO_HOURS: what the caller has to collect from its environment.
bool is_override(std::string_view variable);

/// Applies all variables that `is_override`, or none. Unknown ones are problems. The live policy's digest is restamped.
override_report apply_overrides(loaded_deployment& target, const environment& variables);

} // namespace fairuse
