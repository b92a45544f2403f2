// SPDX-License-Identifier: Apache-2.0
#include "core/speech.hpp"

#include <bitset>

#include "core/budget.hpp"
#include "core/limits.hpp"
#include "core/quiet.hpp"

namespace fairuse::detail {

namespace {

/// What an upload meets in each slot, as it was before the upload counts.
struct upload_slots {
  std::bitset<slots_max> refused; ///< the gate would have refused it
  std::bitset<slots_max> charged; ///< it is charged to the budget
};

bool refuses_upload(const slot_context& context) {
  const auto* known = context.known();
  return known != nullptr and (known->hard or known->ceiling or budget_blocks(context));
}

upload_slots before_upload(const slot_context& live, std::span<const slot_number> slots) {
  upload_slots met;
  for (const auto slot : slots) {
    auto context = live.in_slot(slot);
    if (context.judges() and refuses_upload(context))
      met.refused.set(slot);
    else if (context.rules().budget.charge_uploads and budget_tracked(context))
      met.charged.set(slot);
  }
  return met;
}

void finish_upload(slot_context context, const upload_slots& met) {
  const auto total_ms = context.out.speech.total_ms();
  if (met.refused.test(context.slot)) context.tally().upload_refused_ms += total_ms;
  if (met.charged.test(context.slot)) charge_budget(context, context.cause->instant, total_ms);
}

/// Compare sums with caps, unless nothing can follow from it.
void evaluate_speech(const slot_context& live, std::size_t slot) {
  if (is_quiet(live.who, slot, live.at)) {
    const auto why = live.who.sums.quiet(slot).why;
    if (slot == 0 and why != review_block::none) count_quiet_excess(live, why);
    return;
  }
  auto context = live.in_slot(slot);
  if (context.judges()) evaluate(context);
}

void use_stt(slot_context& context, const event& what) {
  if (not context.judges()) return;
  auto& tally = context.tally();
  const auto* rule = context.rules().step_of(context.current_stage());
  if (rule != nullptr and rule->economy_stt) tally.stt_economy_ms += what.ms;
  if (not context.rules().budget.charge_stt or not budget_tracked(context)) return;
  if (budget_blocks(context))
    tally.stt_blocked_ms += what.ms;
  else
    charge_budget(context, what.instant, what.ms);
}

} // namespace

bool is_new(user& who, const event& what, time_ms now) {
  const auto hour = hour_of(what.instant);
  if (not who.ids.add(hour, what.key, first_id_hour(now))) return false;
  who.note_id_hour(hour);
  return true;
}

void take_speech(slot_context& live, const event& what, std::span<const slot_number> slots) {
  live.out.speech.compute(live.policies(), live.at, what);
  if (what.from == lane::sync) {
    const auto met = before_upload(live, slots);
    meter(live.who, live.in_force, live.at, what, live.out);
    for (const auto slot : slots) {
      evaluate_speech(live, slot);
      finish_upload(live.in_slot(slot), met);
    }
    return;
  }
  meter(live.who, live.in_force, live.at, what, live.out);
  for (const auto slot : slots)
    evaluate_speech(live, slot);
}

void take_stt(slot_context& live, const event& what, std::span<const slot_number> slots) {
  if (what.ms <= 0) return;
  for (const auto slot : slots) {
    auto context = live.in_slot(slot);
    use_stt(context, what);
  }
}

} // namespace fairuse::detail
