// SPDX-License-Identifier: Apache-2.0
//
// How the model is reached: what the deployment says, and where it says nothing, the variables that clients of this API
// share. Reads the key's file.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/pure/result.hpp"
#include "config/reviewer_settings.hpp"

namespace fairuse {

struct model_access {
  /// With an endpoint, and the model that is asked.
  reviewer_settings settings;
  /// Never log it; empty: none is sent.
  std::string key;
  /// For the log: which variables count, and what is not safe.
  std::vector<std::string> notes;
};

/// OPENAI_BASE_URL and OPENAI_API_KEY count where the deployment names no endpoint and no key file;
/// FAIR_USE_CLASSIFIER_MODEL always. `variable` gives a variable's value, empty if it is not set. An error: no
/// endpoint, or a value that cannot be used; a key is not repeated.
result<model_access> find_access(const reviewer_settings& settings,
                                 const std::function<std::string(const char*)>& variable);

} // namespace fairuse
