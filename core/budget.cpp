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
  of.low = false;
}

/// The least use of which a policy says that little is left; REQUIRES: it says so.
std::int64_t low_ms(const budget_rule& budget) {
  // In two parts, so that no product passes 64 bits.
  const auto whole = budget.per_utc_day_ms / one_nano * budget.low_nano;
  return whole + (budget.per_utc_day_ms % one_nano * budget.low_nano + one_nano - 1) / one_nano;
}

/// Is so much of the day's budget used, in its stage?
bool uses(const slot_context& context, std::int64_t ms) {
  const auto& budget = context.rules().budget;
  return budget.per_utc_day_ms > 0 and context.current_stage() == budget.at
         and used_budget(context.known(), context.at) >= ms;
}

bool is_low(const slot_context& context) {
  const auto& budget = context.rules().budget;
  return budget.low_nano > 0 and uses(context, low_ms(budget));
}

void write_used(slot_context& context, decision_kind kind) {
  auto& written = context.write(kind, reason::budget_spent);
  written.sum_ms = context.known()->used_ms;
  written.cap_ms = context.rules().budget.per_utc_day_ms;
  written.until = utc_day_end(utc_day(context.at));
  written.to = context.current_stage();
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

bool budget_blocks(const slot_context& context) { return uses(context, context.rules().budget.per_utc_day_ms); }

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
  refresh_budget(context);
}

void refresh_budget(slot_context& context) {
  const auto* known = context.known();
  if (known == nullptr) return;
  const bool blocks = budget_blocks(context);
  if (known->exhausted != blocks) {
    context.touch().exhausted = blocks;
    // Where it ends to hold, stage_changed or budget_reset says so.
    if (blocks) write_used(context, decision_kind::budget_exhausted);
  }
  if (known->low or not is_low(context)) return;
  context.touch().low = true;
  if (not blocks) write_used(context, decision_kind::budget_low);
}

void reset_budget(slot_context& context) {
  auto& standing = context.touch();
  auto& written = context.write(decision_kind::budget_reset, reason::budget_day_over);
  written.sum_ms = standing.used_ms;
  written.cap_ms = context.rules().budget.per_utc_day_ms;
  begin_day(standing, utc_day(context.at));
}

} // namespace fairuse::detail
