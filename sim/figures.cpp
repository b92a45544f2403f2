// SPDX-License-Identifier: Apache-2.0

#include "sim/figures.hpp"

#include <algorithm>
#include <numeric>

namespace fairuse::sim {

namespace {

constexpr std::size_t at(truth label) { return static_cast<std::size_t>(label); }

std::int64_t refused_ms(const group_tally& of) { return of.audio.stt_blocked_ms + of.audio.upload_refused_ms; }

std::int64_t sum_of(const std::array<group_tally, truth_count>& groups, std::int64_t slot_tally::*part) {
  std::int64_t sum = 0;
  for (const auto& group : groups)
    sum += group.audio.*part;
  return sum;
}

/// Without a user of that truth among users whose truth is not known, nothing is known of it.
known_ms refused_of(const policy_figures& of, truth label) {
  const bool is_known = of.groups[at(label)].users > 0 or of.groups[at(truth::unlabelled)].users == 0;
  return is_known and of.knows_stt ? known_ms(refused_ms(of.groups[at(label)])) : std::nullopt;
}

void set_audio(const experiment& what, policy_figures& out) {
  const auto& budget = out.rules->budget;
  out.knows_stt = what.knows(event_kind::stt);
  out.knows_uploads = out.knows_stt or budget.per_utc_day_ms == 0 or not budget.charge_stt;
  if (out.knows_stt) {
    out.stt_ms = sum_of(out.groups, &slot_tally::stt_ms);
    out.stt_economy_ms = sum_of(out.groups, &slot_tally::stt_economy_ms);
    out.stt_blocked_ms = sum_of(out.groups, &slot_tally::stt_blocked_ms);
  }
  if (out.knows_uploads) out.upload_refused_ms = sum_of(out.groups, &slot_tally::upload_refused_ms);
  out.saved_ms = refused_of(out, truth::misuse);
  out.harm_ms = refused_of(out, truth::legitimate);
  out.exhausted_ms = refused_of(out, truth::exhausted);
}

std::optional<double> share(std::uint64_t part, std::uint64_t of) { return proportion{part, of, {}}.rate(); }

/// Of a rate over the users of one truth: lowest if every user without a label who was hit is no such user and every
/// other one is, highest the other way round.
bracket bracket_of(const proportion& labelled, const proportion& others) {
  return {share(labelled.hits, labelled.users + others.users - others.hits),
          share(labelled.hits + others.hits, labelled.users + others.hits)};
}

void set_brackets(stage_figures& out) {
  const auto& others = out.hit[at(truth::unlabelled)];
  out.fpr_of_all = bracket_of(out.hit[at(truth::legitimate)], others);
  out.caught_of_all = bracket_of(out.hit[at(truth::misuse)], others);
  const auto& found = out.false_discovery;
  out.fdr_of_all = {share(found.hits, found.users + others.hits),
                    share(found.hits + others.hits, found.users + others.hits)};
}

stage_figures stage_of(const policy_figures& of, std::size_t index) {
  stage_figures out;
  for (std::size_t label = 0; label < truth_count; ++label) {
    const auto& stage = of.groups[label].stages[index];
    out.hit[label] = proportion_of(stage.hits, of.groups[label].users);
    out.against_first[label] = {stage.newly_hit, stage.newly_spared, mcnemar(stage.newly_hit, stage.newly_spared)};
  }
  const auto& legitimate = out.hit[at(truth::legitimate)];
  const auto& misuse = out.hit[at(truth::misuse)];
  out.false_discovery = proportion_of(legitimate.hits, legitimate.hits + misuse.hits);
  out.missed = proportion_of(misuse.users - misuse.hits, misuse.users);
  set_brackets(out);
  out.below_bar = compare(legitimate.hits, legitimate.users, false_positive_bar);
  return out;
}

money_figures money_of(const policy_figures& of, const price_list& prices) {
  const auto cost = [](std::int64_t ms, std::int64_t per_minute) { return ms * per_minute / minute_ms; };
  const auto cost_of = [&cost](known_ms ms, std::int64_t per_minute) {
    return ms ? std::optional(cost(*ms, per_minute)) : std::nullopt;
  };
  money_figures out;
  out.stt = cost_of(of.stt_ms, prices.stt_minute);
  out.saved = cost_of(of.saved_ms, prices.stt_minute);
  out.saved_by_economy = cost_of(of.stt_economy_ms, prices.stt_minute - prices.economy_minute);
  out.reviews = static_cast<std::int64_t>(of.reviews) * prices.review;
  return out;
}

policy_figures policy_of(const experiment& what, const run_tally& all, std::size_t index) {
  policy_figures out;
  out.rules = &what.policies[index];
  out.tally = &all.policies[index];
  out.cohorts = &out.tally->groups;
  for (std::size_t group = 0; group < out.cohorts->size(); ++group)
    out.groups[at(what.people.cohorts[group].label)].merge((*out.cohorts)[group]);
  for (auto& group : out.groups) {
    for (auto& stage : group.stages)
      std::sort(stage.reached_after_ms.begin(), stage.reached_after_ms.end());
    out.answers += group.answers;
    out.reviews += group.audio.reviews;
    out.synthetic += group.audio.synthetic;
  }
  for (std::size_t i = 0; i < counted_stage_count; ++i)
    out.stages[i] = stage_of(out, i);
  const auto& misuse = out.groups[at(truth::misuse)];
  out.missed = proportion_of(misuse.users - misuse.hit, misuse.users);
  set_audio(what, out);
  if (what.prices) out.money = money_of(out, *what.prices);
  return out;
}

} // namespace

std::uint64_t skipped_commands(const experiment& what, const run_result& result) {
  return result.tally.skipped_commands + (what.captured ? what.captured->skipped_promotions : 0);
}

std::uint64_t hits_of(const std::vector<group_tally>& groups, std::size_t counted) {
  std::uint64_t sum = 0;
  for (const auto& each : groups)
    sum += each.stages[counted].hits;
  return sum;
}

std::uint64_t policy_figures::crossings() const {
  const auto& all = tally->decided.crossings;
  return std::accumulate(all.begin(), all.end(), std::uint64_t{0});
}

std::uint64_t policy_figures::hits(std::size_t counted) const { return hits_of(*cohorts, counted); }

std::optional<double> proportion::rate() const {
  if (users == 0) return std::nullopt;
  return static_cast<double>(hits) / static_cast<double>(users);
}

proportion proportion_of(std::uint64_t hits, std::uint64_t users) {
  return {hits, users, clopper_pearson(hits, users)};
}

guard_outcome run_figures::outcome() const {
  const auto any = [this](guard_outcome wanted) {
    return std::any_of(guards.begin(), guards.end(),
                       [wanted](const guard_figures& each) { return each.outcome == wanted; });
  };
  if (any(guard_outcome::fails)) return guard_outcome::fails;
  return any(guard_outcome::not_enough_data) ? guard_outcome::not_enough_data : guard_outcome::holds;
}

run_figures figures_of(const experiment& what, const run_result& result) {
  run_figures out;
  for (std::size_t index = 0; index < what.policies.size(); ++index) {
    auto& of = out.policies.emplace_back(policy_of(what, result.tally, index));
    of.chain_digest = result.policy_digests[index];
    if (not result.if_misuse) continue;
    auto& hits = of.hits_if_misuse.emplace();
    for (std::size_t i = 0; i < counted_stage_count; ++i)
      hits[i] = hits_of(result.if_misuse->policies[index].groups, i);
  }
  for (const auto& group : out.policies.front().groups)
    out.labels.users += group.users;
  out.labels.labelled = out.labels.users - out.policies.front().groups[at(truth::unlabelled)].users;
  for (const auto& each : what.guards) {
    const auto named = std::find_if(out.policies.begin(), out.policies.end(),
                                    [&](const policy_figures& of) { return of.rules->name == each.policy; });
    const auto index = named == out.policies.end() ? 0 : static_cast<std::size_t>(named - out.policies.begin());
    auto outcome = check_guard(each, out.policies[index]);
    if (result.if_misuse and check_guard(each, policy_of(what, *result.if_misuse, index)) != outcome)
      outcome = guard_outcome::not_enough_data;
    out.guards.push_back({&each, out.policies[index].rules->name, outcome});
  }
  return out;
}

} // namespace fairuse::sim
