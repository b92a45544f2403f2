// SPDX-License-Identifier: Apache-2.0

#include "sim/stage_change.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <vector>

namespace fairuse::sim {

namespace {

using steps = std::vector<const decision*>;

/// What leads to a stage or away from it.
bool is_step(const decision& what) {
  switch (what.kind) {
    case decision_kind::review_requested:
    case decision_kind::review_cleared:
    case decision_kind::review_failed:
    case decision_kind::review_timed_out:
    case decision_kind::review_unanswered:
    case decision_kind::review_ignored:
    case decision_kind::strike_added:
    case decision_kind::strike_cleared:
    case decision_kind::strike_restored:
      return true;
    case decision_kind::stage_changed:
      return what.from != what.to;
    default:
      return false;
  }
}

steps steps_of(std::span<const decision> decisions, const slot_label* label) {
  steps out;
  for (const auto& each : decisions)
    if (each.slot == label and is_step(each)) out.push_back(&each);
  return out;
}

/// The outcome of a review, or a strike without one, as what it means for a stage; nullopt: it is none.
std::optional<sparing> outcome_of(const decision& what) {
  switch (what.kind) {
    case decision_kind::review_cleared:
      return sparing::not_qualifying;
    case decision_kind::review_unanswered:
      return sparing::unanswered;
    case decision_kind::review_failed:
      return sparing::failed;
    case decision_kind::review_timed_out:
      return sparing::timed_out;
    case decision_kind::review_ignored:
      return sparing::ignored;
    case decision_kind::strike_added:
      return sparing::too_few_strikes;
    default:
      return std::nullopt;
  }
}

std::optional<std::int32_t> score_of(const decision& what) {
  return what.scored ? std::optional(what.score_nano) : std::nullopt;
}

/// Does `at` see the window above its cap? A strike without a request does not say it.
bool exceeds(const decision& at, std::size_t window, const decision* crossed) {
  if (at.kind == decision_kind::review_requested) return (at.exceeded >> window & 1) != 0;
  return crossed != nullptr and at.sums.at(window) > crossed->cap_ms;
}

/// Of the windows above their caps at a request or a strike without one: that whose cap was crossed first.
void name_window(std::span<const decision> decisions, const decision& at, stage_hit& out) {
  std::array<const decision*, windows_max> crossings{};
  for (const auto& each : decisions) {
    if (&each == &at) break;
    if (each.slot == at.slot and each.kind == decision_kind::cap_crossed) crossings.at(each.window) = &each;
  }
  const decision* first = nullptr;
  for (std::uint8_t i = 0; i < windows_max; ++i) {
    const auto* crossed = crossings.at(i);
    if (not exceeds(at, i, crossed)) continue;
    if (out.window and (crossed == nullptr or first == nullptr or crossed->time >= first->time)) continue;
    first = crossed;
    out.window = i;
    out.sum_ms = at.sums.at(i);
    out.cap_ms = crossed != nullptr ? std::optional(crossed->cap_ms) : std::nullopt;
  }
}

stage_hit hit_of(std::span<const decision> decisions, const steps& of, stage beyond) {
  const auto reached = std::find_if(of.begin(), of.end(), [beyond](const decision* each) {
    return each->kind == decision_kind::stage_changed and each->to > beyond;
  });
  assert(reached != of.end());
  stage_hit out;
  out.at = out.asked_at = (*reached)->time;
  out.to = (*reached)->to;
  out.why = (*reached)->why;
  const auto strike = std::find_if(of.begin(), reached, [&](const decision* each) {
    return each->kind == decision_kind::strike_added and each->strike == (*reached)->strike;
  });
  if (strike == reached) return out;
  out.score_nano = score_of(**strike);
  const auto request = std::find_if(of.begin(), strike, [&](const decision* each) {
    return each->kind == decision_kind::review_requested and each->request == (*strike)->request;
  });
  out.asked_at = (*request)->time;
  name_window(decisions, **request, out);
  return out;
}

/// A request or a strike without one, and what came of it.
struct asked_review {
  const decision* asked = nullptr;
  /// nullptr: the run ended before it.
  const decision* outcome = nullptr;
};

std::vector<asked_review> reviews_of(const steps& of) {
  std::vector<asked_review> out;
  for (const auto* each : of) {
    if (each->kind == decision_kind::review_requested)
      out.push_back({each, nullptr});
    else if (each->kind == decision_kind::strike_added and each->request == 0)
      out.push_back({each, each});
    else if (outcome_of(*each) and not out.empty() and out.back().outcome == nullptr)
      out.back().outcome = each;
  }
  return out;
}

/// Did the review keep the policy from asking again at `at`?
bool holds_off(const asked_review& of, const review_rule& rules, time_ms at) {
  const bool clears = of.outcome != nullptr and of.outcome->kind == decision_kind::review_cleared
                      and of.outcome->score_nano < rules.cleared_below_nano;
  return of.asked->time + (clears ? rules.cleared_cooldown_ms : rules.cooldown_ms) >= at;
}

/// What `spares` made of the time at which the other policy asked.
stage_sparing sparing_of(std::span<const decision> decisions, const decided_by& spares, time_ms asked_at) {
  const auto reviews = reviews_of(steps_of(decisions, spares.label));
  auto found =
      std::find_if(reviews.begin(), reviews.end(), [&](const asked_review& of) { return of.asked->time > asked_at; });
  if (found != reviews.begin() and holds_off(*(found - 1), spares.rules->review, asked_at)) --found;
  const bool crossed = std::any_of(decisions.begin(), decisions.end(), [&](const decision& each) {
    return each.slot == spares.label and each.kind == decision_kind::cap_crossed;
  });
  stage_sparing out;
  out.by = crossed ? sparing::no_review : sparing::cap_not_crossed;
  if (found != reviews.end()) {
    out.by = sparing::pending;
    if (const auto* outcome = found->outcome) {
      out.by = *outcome_of(*outcome);
      out.at = outcome->time;
      out.score_nano = score_of(*outcome);
    }
  }
  if (spares.rules->step_after(spares.highest) == nullptr) out.by = sparing::last_stage;
  return out;
}

} // namespace

std::string_view to_text(sparing value) {
  switch (value) {
    case sparing::cap_not_crossed:
      return "cap_not_crossed";
    case sparing::no_review:
      return "no_review";
    case sparing::pending:
      return "pending";
    case sparing::not_qualifying:
      return "not_qualifying";
    case sparing::unanswered:
      return "unanswered";
    case sparing::failed:
      return "failed";
    case sparing::timed_out:
      return "timed_out";
    case sparing::ignored:
      return "ignored";
    case sparing::too_few_strikes:
      return "too_few_strikes";
    case sparing::last_stage:
      break;
  }
  return "last_stage";
}

stage_reason explain_change(std::span<const decision> decisions, const decided_by& hits, const decided_by& spares) {
  const auto hit = hit_of(decisions, steps_of(decisions, hits.label), spares.highest);
  return {hit, sparing_of(decisions, spares, hit.asked_at)};
}

} // namespace fairuse::sim
