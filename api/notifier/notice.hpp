// SPDX-License-Identifier: Apache-2.0
//
// What a user is told of, once. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "config/message_texts.hpp"
#include "events/decision.hpp"
#include "events/event.hpp"

namespace fairuse {

struct notice {
  /// The same wherever and whenever the notice is read (webhook_id).
  std::string id;
  /// Id of the decision that says the same.
  std::string decision;
  std::string uid;
  notice_about about = notice_about::stage;
  /// The new stage; of a budget the one that it holds at; of an exemption the one that the user is in, none: it is not
  /// known.
  stage at = stage::none;
  wording words = wording::misuse;
  /// Of the verdict; none: there was none.
  usage_type type = usage_type::none;
  /// Speech by window, in the policy's order.
  std::vector<std::pair<std::string, std::int64_t>> sums_ms;
  /// Empty: no strike is behind it.
  std::string case_reference;
  time_ms decided_at = 0;
  /// Last instant of the stage, or when the day's budget begins anew.
  time_ms until = never;
  /// Of the day's budget.
  std::int64_t used_ms = 0;
  std::int64_t budget_ms = 0;
  /// Empty: not known.
  std::string locale;
  std::string time_zone;
  /// When it was tried for the first time, before a restart; `never`: it was not.
  time_ms tried_since = never;
};

} // namespace fairuse
