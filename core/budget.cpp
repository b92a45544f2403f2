// SPDX-License-Identifier: Apache-2.0
#include "core/budget.hpp"

#include "core/limits.hpp"
#include "core/reading.hpp"

namespace fairuse::detail {

namespace {

void begin_day(standing& of, std::int32_t day) {
  of.utc_day = day;
  of.used_ms = 0;
  of.exhausted = false;
}

} // namespace

std::int64_t used_budget(const standing* of, time_ms at) {
  return of != nullptr and of->utc_day == utc_day(at) ? of->used_ms : 0;
}

bool budget_tracked(slot_context& context) {
  return context.judges() and tracks_budget(context.rules().budget, context.current_stage(), [&context] {
           return exceeds_cap(context);
         });
}

bool budget_blocks(const slot_context& context) {
  const auto& budget = context.rules().budget;
  return budget.per_utc_day_ms > 0 and context.current_stage() == budget.at
         and used_budget(context.known(), context.at) >= budget.per_utc_day_ms;
}

void charge_budget(slot_context& context, time_ms sent_at, std::int64_t ms) {
  if (ms <= 0) return;
  const auto today = utc_day(context.at);
  if (utc_day(sent_at) < today) {
    context.out.counts.stt_of_earlier_day += context.spec().kind == slot_kind::live;
    return;
  }
  auto& standing = context.touch();
  if (standing.utc_day != today) begin_day(standing, today);
  standing.used_ms += ms;
  refresh_exhausted(context);
}

void refresh_exhausted(slot_context& context) {
  const auto* known = context.known();
  const bool blocks = budget_blocks(context);
  if (known == nullptr or known->exhausted == blocks) return;
  context.touch().exhausted = blocks;
  if (not blocks) return; // stage_changed or budget_reset was written instead
  auto& written = context.write(decision_kind::budget_exhausted, reason::budget_spent);
  written.sum_ms = known->used_ms;
  written.cap_ms = context.rules().budget.per_utc_day_ms;
  written.until = utc_day_end(utc_day(context.at));
}

void reset_budget(slot_context& context) {
  auto& standing = context.touch();
  auto& written = context.write(decision_kind::budget_reset, reason::budget_day_over);
  written.sum_ms = standing.used_ms;
  written.cap_ms = context.rules().budget.per_utc_day_ms;
  begin_day(standing, utc_day(context.at));
}

} // namespace fairuse::detail
