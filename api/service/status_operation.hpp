// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to api/service. GET /v1/fair-use/status: where a user stands, in figures and in the words that a
// notification would use (api/openapi.yaml).
//
// Threads: any.
#pragma once

#include <string>
#include <string_view>

#include "api/notifier/sent_notices.hpp"
#include "config/notifier_settings.hpp"
#include "streams/committed_user.hpp"

namespace fairuse {

struct status_words {
  /// Product, appeal and messages.
  const notifier_settings& settings;
  /// Of case references.
  std::string_view case_key;
  /// nullptr: nobody is notified.
  const sent_notices* sent = nullptr;
};

struct status_question {
  std::string uid;
  /// Value of the header; for a user whose language is not known.
  std::string_view accept_language;
  /// REQUIRES: not before the user's epoch.
  time_ms at = 0;
};

std::string status_json(const committed_user& user, const status_question& asked, const status_words& words);

} // namespace fairuse
