// SPDX-License-Identifier: Apache-2.0
//
// A notice in words.
#pragma once

#include <string>

#include "api/notifier/notice.hpp"
#include "config/notifier_settings.hpp"

namespace fairuse {

struct notice_text {
  /// Of the language that was found.
  std::string locale;
  std::string subject;
  /// Paragraphs with an empty line between them.
  std::string text;
};

/// REQUIRES: a notice about a stage names one.
notice_text text_of(const notice& what, const notifier_settings& settings);

} // namespace fairuse
