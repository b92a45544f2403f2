// SPDX-License-Identifier: Apache-2.0

#include "api/service/lease_operation.hpp"

#include <algorithm>

#include "core/query.hpp"
#include "engine/clocks.hpp"
#include "streams/enforcement_row.hpp"

namespace fairuse {

namespace {

/// Of a stream that does not say what it plans.
constexpr std::int64_t planned_default_ms = 60'000;

gate_facts facts_of(const committed_user& user, time_ms now) {
  return {.row = enforcement_of(user.who, user.now, user.epoch, user.partition),
          .controls = controls_row{.epoch = user.epoch,
                                   .now = user.now,
                                   .partition = user.partition,
                                   .enabled = user.in_force.enabled,
                                   .killed = user.in_force.killed},
          .now = now,
          .age_ms = 0};
}

gate_answer refused_lease(const lease_answer& leased, const budget_view& budget, time_ms now) {
  gate_answer answer{.allowed = false, .used_ms = budget.used_ms, .limit_ms = budget.limit_ms};
  answer.why = leased.is_reserved ? gate_reason::budget_reserved : gate_reason::budget_exhausted;
  answer.resets_at = leased.is_reserved ? now + leased.retry_after_ms : budget.resets_at;
  return answer;
}

} // namespace

bool needs_lease(const gate_question& asked, const gate_answer& answer, const gate_facts& facts) {
  return not asked.session.empty() and answer.allowed and answer.why == gate_reason::none and facts.row
         and facts.row->budget_ms > 0;
}

std::string leased_answer_json(const committed_user& user, const gate_question& asked, const lease_source& at,
                               time_ms now) {
  const auto facts = facts_of(user, now);
  const auto answer = answer_gate(asked.purpose, facts);
  const auto told = [&](const gate_answer& what, const lease* granted = nullptr) {
    at.answers.add(what);
    return gate_answer_json(what, facts, granted);
  };
  if (not needs_lease(asked, answer, facts)) return told(answer);
  const auto view = query_standing(user.who, user.in_force, 0, std::max(now, user.now));
  if (not view.enforces_budget()) return told(answer);
  const auto& budget = view.budget;
  const auto leased = at.leases.reserve(
      {.uid = asked.uid,
       .session = asked.session,
       .planned_ms = asked.planned_ms > 0 ? asked.planned_ms : planned_default_ms,
       .is_whole = asked.purpose == gate_purpose::upload},
      {.limit_ms = budget.limit_ms, .used_ms = budget.used_ms, .owned_for_ms = user.owned_for_ms}, steady_clock_ms());
  if (not leased.granted) return told(refused_lease(leased, budget, now));
  return told(answer, &*leased.granted);
}

std::string unleased_answer_json(const gate_facts& facts, gate_counts& answers) {
  auto answer = answer_gate(gate_purpose::stream, facts);
  answer.allowed = true;
  answer.why = gate_reason::no_owner;
  answer.degraded = true;
  answers.add(answer);
  return gate_answer_json(answer, facts);
}

} // namespace fairuse
