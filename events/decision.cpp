// SPDX-License-Identifier: Apache-2.0
#include "events/decision.hpp"

namespace fairuse {

namespace {

constexpr std::string_view text_of(decision_kind value) {
  switch (value) {
    case decision_kind::cap_crossed:
      return "cap_crossed";
    case decision_kind::review_requested:
      return "review_requested";
    case decision_kind::review_cleared:
      return "review_cleared";
    case decision_kind::review_failed:
      return "review_failed";
    case decision_kind::review_timed_out:
      return "review_timed_out";
    case decision_kind::review_unanswered:
      return "review_unanswered";
    case decision_kind::review_ignored:
      return "review_ignored";
    case decision_kind::strike_added:
      return "strike_added";
    case decision_kind::strike_cleared:
      return "strike_cleared";
    case decision_kind::stage_changed:
      return "stage_changed";
    case decision_kind::budget_exhausted:
      return "budget_exhausted";
    case decision_kind::budget_reset:
      return "budget_reset";
    case decision_kind::restriction_engaged:
      return "restriction_engaged";
    case decision_kind::restriction_lifted:
      return "restriction_lifted";
    case decision_kind::content_locked:
      return "content_locked";
    case decision_kind::content_unlocked:
      return "content_unlocked";
    case decision_kind::notification:
      return "notification";
    case decision_kind::policy_promoted:
      return "policy_promoted";
    case decision_kind::user_erased:
      return "user_erased";
    case decision_kind::exemption_ended:
      return "exemption_ended";
    case decision_kind::budget_low:
      return "budget_low";
    case decision_kind::strike_restored:
      return "strike_restored";
    case decision_kind::appeal_opened:
      return "appeal_opened";
    case decision_kind::appeal_closed:
      return "appeal_closed";
  }
  return {};
}

static_assert(not text_of(decision_kind{decision_kind_count - 1}).empty()
                  and text_of(decision_kind{decision_kind_count}).empty(),
              "decision_kind_count is the number of kinds");

} // namespace

std::string_view to_text(decision_kind value) { return text_of(value); }

std::string_view to_text(reason value) {
  switch (value) {
    case reason::none:
      return "none";
    case reason::cap_exceeded:
      return "cap_exceeded";
    case reason::verdict:
      return "verdict";
    case reason::credits_exhausted:
      return "credits_exhausted";
    case reason::stage_ended:
      return "stage_ended";
    case reason::budget_day_over:
      return "budget_day_over";
    case reason::review_timed_out:
      return "review_timed_out";
    case reason::drained:
      return "drained";
    case reason::usage_restored:
      return "usage_restored";
    case reason::budget_spent:
      return "budget_spent";
    case reason::admin:
      return "admin";
    case reason::upgrade:
      return "upgrade";
    case reason::credits_restored:
      return "credits_restored";
    case reason::plan_changed:
      return "plan_changed";
    case reason::policy_changed:
      return "policy_changed";
    case reason::erasure:
      return "erasure";
    case reason::review_failed:
      return "review_failed";
    case reason::no_live_verdict:
      return "no_live_verdict";
    case reason::late_answer:
      return "late_answer";
    case reason::unknown_request:
      return "unknown_request";
    case reason::exempt:
      return "exempt";
    case reason::system_off:
      return "system_off";
    case reason::kill_switch:
      return "kill_switch";
    case reason::last_stage:
      return "last_stage";
    case reason::ceiling_reached:
      return "ceiling_reached";
    case reason::stage_reached:
      return "stage_reached";
    case reason::exemption_ended:
      return "exemption_ended";
    case reason::system_on:
      return "system_on";
    case reason::kill_switch_off:
      return "kill_switch_off";
    case reason::no_recorded_outcome:
      return "no_recorded_outcome";
  }
  return {};
}

std::string_view to_text(wording value) { return value == wording::misuse ? "misuse" : "credits"; }

} // namespace fairuse
