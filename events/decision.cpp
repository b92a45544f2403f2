// SPDX-License-Identifier: Apache-2.0
#include "events/decision.hpp"

namespace fairuse {

std::string_view to_text(decision_kind value) {
  static constexpr std::array<std::string_view, decision_kind_count> texts{
      "cap_crossed",       "review_requested", "review_cleared",      "review_failed",      "review_timed_out",
      "review_unanswered", "review_ignored",   "strike_added",        "strike_cleared",     "stage_changed",
      "budget_exhausted",  "budget_reset",     "restriction_engaged", "restriction_lifted", "content_locked",
      "content_unlocked",  "notification",     "policy_promoted",     "user_erased"};
  return texts.at(static_cast<std::size_t>(value));
}

std::string_view to_text(reason value) {
  static constexpr std::array<std::string_view, 26> texts{"none",
                                                          "cap_exceeded",
                                                          "verdict",
                                                          "credits_exhausted",
                                                          "stage_ended",
                                                          "budget_day_over",
                                                          "review_timed_out",
                                                          "drained",
                                                          "usage_restored",
                                                          "budget_spent",
                                                          "admin",
                                                          "upgrade",
                                                          "credits_restored",
                                                          "plan_changed",
                                                          "policy_changed",
                                                          "erasure",
                                                          "review_failed",
                                                          "no_live_verdict",
                                                          "late_answer",
                                                          "unknown_request",
                                                          "exempt",
                                                          "system_off",
                                                          "kill_switch",
                                                          "last_stage",
                                                          "ceiling_reached",
                                                          "stage_reached"};
  return texts.at(static_cast<std::size_t>(value));
}

std::string_view to_text(wording value) { return value == wording::misuse ? "misuse" : "credits"; }

} // namespace fairuse
