// SPDX-License-Identifier: Apache-2.0
//
// A notice in words, and an instant.
// Pure functions.
#pragma once

#include <string>

#include "api/notifier/notice.hpp"
#include "api/notifier/time_zone.hpp"
#include "config/notifier_settings.hpp"

namespace fairuse {

struct notice_text {
  /// Of the language that was found.
  std::string locale;
  std::string subject;
  /// Paragraphs with an empty line between them.
  std::string text;
};

/// The first minute after `end`, where a user is: a stage that ends at 23:59:59.999 ends at 0:00.
std::string date_text(time_ms end, const time_zone& zone, const language& words);

/// A paragraph that has nothing to fill in (no appeal, no end) is left out. REQUIRES: a notice about a stage names one.
notice_text text_of(const notice& what, const notifier_settings& settings);

} // namespace fairuse
