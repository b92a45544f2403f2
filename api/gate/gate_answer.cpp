// SPDX-License-Identifier: Apache-2.0

#include "api/gate/gate_answer.hpp"

#include <algorithm>
#include <array>

namespace fairuse {

namespace {

constexpr std::array<std::string_view, 11> reason_texts{
    "none",        "hard_restricted", "ceiling",  "budget_exhausted", "budget_reserved", "exempt",
    "kill_switch", "disabled",        "starting", "view_late",        "no_owner"};

gate_reason fault_of(const gate_facts& facts) {
  if (facts.age_ms < 0) return gate_reason::starting;
  return facts.age_ms > facts.age_max_ms ? gate_reason::view_late : gate_reason::none;
}

gate_answer allowed_for(gate_reason why) {
  gate_answer answer;
  answer.why = why;
  answer.degraded = why == gate_reason::starting or why == gate_reason::view_late;
  return answer;
}

gate_answer refused_for(gate_reason why, std::int64_t used_ms, std::int64_t limit_ms, time_ms resets_at) {
  gate_answer answer;
  answer.allowed = false;
  answer.why = why;
  answer.used_ms = used_ms;
  answer.limit_ms = limit_ms;
  answer.resets_at = resets_at;
  return answer;
}

/// A refusal whose end has passed is none.
std::optional<gate_answer> refusal_of(gate_purpose purpose, const enforcement_row& row, time_ms now) {
  if (purpose == gate_purpose::upload) {
    const auto ends = std::min(row.retry_at, row.until);
    if (row.hard_restricted and now < ends)
      return refused_for(gate_reason::hard_restricted, row.used_ms, row.limit_ms, ends);
    if (row.ceiling and now < row.retry_at)
      return refused_for(gate_reason::ceiling, row.used_ms, row.limit_ms, row.retry_at);
  }
  if (row.budget_exhausted and now < row.budget_resets_at)
    return refused_for(gate_reason::budget_exhausted, row.budget_used_ms, row.budget_ms, row.budget_resets_at);
  return std::nullopt;
}

} // namespace

std::optional<gate_purpose> gate_purpose_from(std::string_view text) {
  if (text == "stream") return gate_purpose::stream;
  if (text == "upload") return gate_purpose::upload;
  return std::nullopt;
}

std::string_view to_text(gate_reason value) { return reason_texts.at(static_cast<std::size_t>(value)); }

gate_answer answer_gate(gate_purpose purpose, const gate_facts& facts) {
  if (const auto fault = fault_of(facts); fault != gate_reason::none) return allowed_for(fault);
  if (not facts.row) return {};
  if (facts.controls and facts.controls->killed) return allowed_for(gate_reason::kill_switch);
  if (facts.controls and not facts.controls->enabled) return allowed_for(gate_reason::disabled);
  const auto& row = *facts.row;
  if (row.exempt) return allowed_for(gate_reason::exempt);
  if (auto refused = refusal_of(purpose, row, facts.now)) return *refused;
  gate_answer answer;
  if (facts.now <= row.until) {
    answer.economy_stt = row.economy_stt;
    answer.vad_threshold_nano = row.vad_threshold_nano;
  }
  answer.locked = row.content_locked;
  return answer;
}

} // namespace fairuse
