// SPDX-License-Identifier: Apache-2.0

#include "streams/enforcement_row.hpp"

#include <algorithm>

#include "core/query.hpp"
#include "streams/decision_ids.hpp"

namespace fairuse {

namespace {

/// Decisions after which a gateway may have to act differently.
bool changes_view(decision_kind kind) {
  switch (kind) {
    case decision_kind::stage_changed:
    case decision_kind::budget_exhausted:
    case decision_kind::budget_reset:
    case decision_kind::restriction_engaged:
    case decision_kind::restriction_lifted:
    case decision_kind::content_locked:
    case decision_kind::content_unlocked:
    case decision_kind::exemption_ended:
      return true;
    case decision_kind::cap_crossed:
    case decision_kind::review_requested:
    case decision_kind::review_cleared:
    case decision_kind::review_failed:
    case decision_kind::review_timed_out:
    case decision_kind::review_unanswered:
    case decision_kind::review_ignored:
    case decision_kind::strike_added:
    case decision_kind::strike_cleared:
    case decision_kind::notification:
    case decision_kind::policy_promoted:
    case decision_kind::user_erased:
    case decision_kind::budget_low:
    case decision_kind::strike_restored:
    case decision_kind::appeal_opened:
    case decision_kind::appeal_closed:
      break;
  }
  return false;
}

void put_restriction(const standing_view& seen, enforcement_row& row) {
  row.hard_restricted = seen.hard_restricted;
  row.ceiling = seen.ceiling;
  row.used_ms = seen.refused_sum_ms;
  row.limit_ms = seen.refused_cap_ms;
  row.retry_at = seen.retry_at;
}

void put_budget(const standing_view& seen, enforcement_row& row) {
  row.budget_exhausted = seen.details != nullptr and seen.details->exhausted;
  if (seen.enforces_budget() or row.budget_exhausted) row.budget_ms = seen.budget.limit_ms;
  if (not row.budget_exhausted) return;
  row.budget_used_ms = seen.budget.used_ms;
  row.budget_resets_at = seen.budget.resets_at;
}

} // namespace

std::size_t behind_erasure(const std::vector<decision>& decisions) {
  const auto last = std::find_if(decisions.rbegin(), decisions.rend(),
                                 [](const decision& what) { return what.kind == decision_kind::user_erased; });
  return static_cast<std::size_t>(decisions.rend() - last);
}

bool has_promotion(const broadcast_outcome& broadcast) {
  return std::any_of(broadcast.decisions.begin(), broadcast.decisions.end(),
                     [](const decision& what) { return what.kind == decision_kind::policy_promoted; });
}

row_due enforcement_due(const outcome& from, bool promoted) {
  if (from.who == nullptr) return row_due::no;
  const auto& decisions = from.wrote.decisions;
  const auto erased = behind_erasure(decisions);
  const auto changes = [](const decision& what) { return is_live(what) and changes_view(what.kind); };
  if (from.who->changed.core or from.who->changed.retry_at or (promoted and standing_in(*from.who, 0) != nullptr)
      or std::any_of(decisions.begin() + static_cast<std::ptrdiff_t>(erased), decisions.end(), changes))
    return row_due::write;
  return erased != 0 ? row_due::erase : row_due::no;
}

enforcement_row enforcement_of(const user& who, time_ms now, std::uint64_t epoch, std::int32_t partition) {
  const controls on{.enabled = true, .killed = false, .policies = who.sums.policies};
  const auto seen = query_standing(who, on, 0, now);
  enforcement_row row{.epoch = epoch, .partition = partition, .at = seen.at, .since = seen.since, .until = seen.until};
  if (const auto* rule = seen.slot->rules.step_of(seen.at); rule != nullptr) {
    row.economy_stt = rule->economy_stt;
    row.vad_threshold_nano = rule->vad_threshold_nano;
    row.hard_caps = rule->hard_caps;
  }
  put_restriction(seen, row);
  put_budget(seen, row);
  row.content_locked = seen.content_locked;
  row.exempt = who.is_exempt(now);
  if (row.exempt) row.exempt_until = who.exempt_until;
  return row;
}

} // namespace fairuse
