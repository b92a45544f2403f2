// SPDX-License-Identifier: Apache-2.0

#include <array>
#include <concepts>
#include <span>

#include <nlohmann/json.hpp>

#include "base/pure/quantile.hpp"
#include "events/time_text.hpp"
#include "sim/report.hpp"

namespace fairuse::sim {

namespace {

using json = nlohmann::ordered_json;

constexpr std::array<truth, truth_count> truths{truth::legitimate, truth::misuse, truth::exhausted, truth::unlabelled};

/// What is true of every simulated user is known.
std::span<const truth> truths_of(const experiment& what) {
  return std::span(truths).first(what.captured ? truth_count : truth_count - 1);
}

json optional_json(const auto& value) { return value ? json(*value) : json(nullptr); }

json if_known(bool known, std::integral auto value) { return known ? json(value) : json(nullptr); }

json rate_json(const proportion& of, const char* all, const char* hits) {
  return {{all, of.users},
          {hits, of.hits},
          {"rate", optional_json(of.rate())},
          {"lower", of.between.lower},
          {"upper", of.between.upper}};
}

const char* evidence_text(evidence value) {
  switch (value) {
    case evidence::below:
      return "yes";
    case evidence::above:
      return "no";
    case evidence::not_enough:
      break;
  }
  return "not enough data";
}

json quantile(const std::vector<std::int64_t>& sorted, std::size_t percent) {
  return sorted.empty() ? json(nullptr) : json(quantile_of(sorted, percent));
}

json time_json(const stage_tally& of) {
  return {{"users", of.reached_after_ms.size()},
          {"least_ms", of.reached_after_ms.empty() ? json(nullptr) : json(of.reached_after_ms.front())},
          {"median_ms", quantile(of.reached_after_ms, 50)},
          {"p90_ms", quantile(of.reached_after_ms, 90)}};
}

json user_days(std::int64_t held_ms) { return static_cast<double>(held_ms) / static_cast<double>(day_ms); }

json bracket_json(const bracket& of) {
  return {{"lower", optional_json(of.lower)}, {"upper", optional_json(of.upper)}};
}

json stage_json(const experiment& what, const policy_figures& of, std::size_t index) {
  const auto& stage = of.stages[index];
  json out;
  json days;
  json times;
  for (const auto each : truths_of(what)) {
    const auto label = static_cast<std::size_t>(each);
    const std::string name(to_text(each));
    out[name] = rate_json(stage.hit[label], "users", "hits");
    days[name] = user_days(of.groups[label].stages[index].held_ms);
    times[name] = time_json(of.groups[label].stages[index]);
  }
  out["false_discovery"] = rate_json(stage.false_discovery, "flagged", "legitimate");
  out["missed"] = rate_json(stage.missed, "users", "missed");
  out["below_1_percent"] = {
      {"answer", evidence_text(stage.below_bar)},
      {"users_needed", trials_needed(false_positive_bar, stage.hit[0].hits)},
  };
  if (what.captured)
    out["with_unlabelled"] = {{"false_positive_rate", bracket_json(stage.fpr_of_all)},
                              {"false_discovery", bracket_json(stage.fdr_of_all)},
                              {"caught", bracket_json(stage.caught_of_all)}};
  out["user_days"] = std::move(days);
  out["reached_after"] = std::move(times);
  return out;
}

json cohort_json(const experiment& what, const policy_figures& of, std::size_t cohort) {
  const auto& group = (*of.cohorts)[cohort];
  json stages;
  for (std::size_t i = 0; i < counted_stage_count; ++i) {
    auto stage = rate_json(proportion_of(group.stages[i].hits, group.users), "users", "hits");
    stage["user_days"] = user_days(group.stages[i].held_ms);
    stage["median_ms"] = quantile(group.stages[i].reached_after_ms, 50);
    stages[std::string(to_text(counted_stages[i]))] = std::move(stage);
  }
  return {{"name", what.people.cohorts[cohort].name},
          {"truth", to_text(what.people.cohorts[cohort].label)},
          {"users", group.users},
          {"stages", std::move(stages)},
          {"reviews", group.audio.reviews},
          {"stt_ms", if_known(of.knows_stt, group.audio.stt_ms)},
          {"stt_blocked_ms", if_known(of.knows_stt, group.audio.stt_blocked_ms)},
          {"upload_refused_ms", if_known(of.knows_uploads, group.audio.upload_refused_ms)},
          {"stt_economy_ms", if_known(of.knows_stt, group.audio.stt_economy_ms)}};
}

json economy_json(const experiment& what, const policy_figures& of) {
  json out;
  for (const auto each : truths_of(what))
    out[std::string(to_text(each))] =
        if_known(of.knows_stt, of.groups[static_cast<std::size_t>(each)].audio.stt_economy_ms);
  return out;
}

/// Where the outcomes of reviews came from, and what follows where there were none.
json sources_json(const experiment& what, const policy_figures& of) {
  json out{{"recorded", if_known(what.knows(event_kind::review), of.answers.recorded)},
           {"model", of.answers.modelled},
           {"none", of.answers.missing}};
  if (not of.hits_if_misuse) return out;
  json without;
  json with;
  for (std::size_t i = 0; i < counted_stage_count; ++i) {
    const std::string name(to_text(counted_stages[i]));
    without[name] = of.hits(i);
    with[name] = (*of.hits_if_misuse)[i];
  }
  out["users_hit_if_none_qualifies"] = std::move(without);
  out["users_hit_if_all_qualify"] = std::move(with);
  return out;
}

json user_json(const experiment& what, const policy_figures& of, const user_trace& who) {
  const auto& group = what.people.cohorts[who.group];
  json sums;
  for (std::size_t i = 0; i < of.rules->windows.size(); ++i)
    sums[of.rules->windows[i].name] = who.most_ms[i];
  json stages = json::array();
  for (const auto& each : who.changes)
    stages.push_back({{"to", to_text(each.to)}, {"at", to_time_text(each.at)}});
  return {{"uid", who.uid},
          {"cohort", group.name},
          {"truth", to_text(group.label)},
          {"most_ms", std::move(sums)},
          {"strikes", who.strikes},
          {"score", who.strikes > 0 ? json(static_cast<double>(who.score_nano) / 1e9) : json(nullptr)},
          {"usage_type", who.strikes > 0 ? json(to_text(who.type)) : json(nullptr)},
          {"stages", std::move(stages)}};
}

/// Crossings of caps by window, and what happened on each UTC day.
json crossings_json(const policy_figures& of) {
  json out = json::object();
  for (std::size_t i = 0; i < of.rules->windows.size(); ++i)
    out[of.rules->windows[i].name] = of.tally->decided.crossings.at(i);
  return out;
}

json days_json(const policy_figures& of) {
  json out = json::array();
  for (const auto& [day, counted] : of.tally->decided.days)
    out.push_back({{"day", to_time_text(day * day_ms).substr(0, 10)},
                   {"crossings", counted.crossings},
                   {"reviews", counted.reviews}});
  return out;
}

json policy_json(const experiment& what, const policy_figures& of) {
  json stages;
  for (std::size_t i = 0; i < counted_stage_count; ++i)
    stages[std::string(to_text(counted_stages[i]))] = stage_json(what, of, i);
  json cohorts = json::array();
  for (std::size_t group = 0; group < of.cohorts->size(); ++group)
    cohorts.push_back(cohort_json(what, of, group));
  json users = json::array();
  for (const auto& each : of.tally->users)
    users.push_back(user_json(what, of, each));
  json out{{"name", of.rules->name},
           {"digest", of.rules->digest},
           {"decisions_digest", of.chain_digest},
           {"stages", std::move(stages)},
           {"users", std::move(users)},
           {"missed", rate_json(of.missed, "users", "missed")},
           {"cohorts", std::move(cohorts)},
           {"crossings", crossings_json(of)},
           {"ceilings", of.tally->decided.ceilings},
           {"days", days_json(of)},
           {"reviews", of.reviews},
           {"review_outcomes",
            {{"cleared", of.answers.cleared},
             {"strikes", of.answers.strikes},
             {"failed", of.answers.failed},
             {"timed_out", of.answers.timed_out},
             {"ignored", of.answers.ignored},
             {"synthetic", if_known(what.knows(event_kind::account), of.synthetic)}}},
           {"stt_ms", optional_json(of.stt_ms)},
           {"stt_blocked_ms", optional_json(of.stt_blocked_ms)},
           {"upload_refused_ms", optional_json(of.upload_refused_ms)},
           {"stt_ms_saved", optional_json(of.saved_ms)},
           {"harm_ms", optional_json(of.harm_ms)},
           {"exhausted_limited_ms", optional_json(of.exhausted_ms)},
           {"stt_ms_economy", economy_json(what, of)}};
  if (what.captured) out["review_sources"] = sources_json(what, of);
  if (of.money)
    out["money_micro"] = {{"currency", what.prices->currency},
                          {"stt", optional_json(of.money->stt)},
                          {"saved", optional_json(of.money->saved)},
                          {"saved_by_economy", optional_json(of.money->saved_by_economy)},
                          {"reviews", of.money->reviews}};
  return out;
}

json reason_json(const policy& hits, const stage_reason& why) {
  const auto score = [](std::optional<std::int32_t> nano) {
    return nano ? json(static_cast<double>(*nano) / 1e9) : json(nullptr);
  };
  const auto& hit = why.hit;
  return {{"hit",
           {{"asked_at", to_time_text(hit.asked_at)},
            {"at", to_time_text(hit.at)},
            {"to", to_text(hit.to)},
            {"reason", to_text(hit.why)},
            {"score", score(hit.score_nano)},
            {"window", hit.window ? json(hits.windows[*hit.window].name) : json(nullptr)},
            {"sum_ms", if_known(hit.window.has_value(), hit.sum_ms)},
            {"cap_ms", optional_json(hit.cap_ms)}}},
          {"spared",
           {{"by", to_text(why.spared.by)},
            {"at", why.spared.at ? json(to_time_text(*why.spared.at)) : json(nullptr)},
            {"score", score(why.spared.score_nano)}}}};
}

json changed_user_json(const experiment& what, const policy& hits, const changed_user& who) {
  const auto& group = what.people.cohorts[who.group];
  return {{"uid", who.uid},
          {"cohort", group.name},
          {"truth", to_text(group.label)},
          {"base", to_text(who.base)},
          {"candidate", to_text(who.candidate)},
          {"reason", reason_json(hits, who.why)}};
}

/// What a policy changes for users of the first one.
json against_base_json(const experiment& what, const policy_figures& base, const policy_figures& candidate) {
  json transitions;
  for (std::size_t from = 0; from < stage_count; ++from) {
    json row;
    for (std::size_t to = 0; to < stage_count; ++to)
      row[std::string(to_text(static_cast<stage>(to)))] = candidate.tally->moved.at(from).at(to);
    transitions[std::string(to_text(static_cast<stage>(from)))] = std::move(row);
  }
  json newly_hit = json::array();
  json newly_spared = json::array();
  for (const auto& each : candidate.tally->changed)
    if (each.candidate > each.base)
      newly_hit.push_back(changed_user_json(what, *candidate.rules, each));
    else
      newly_spared.push_back(changed_user_json(what, *base.rules, each));
  return {{"base", base.rules->name},
          {"candidate", candidate.rules->name},
          {"transitions", std::move(transitions)},
          {"newly_hit", std::move(newly_hit)},
          {"newly_spared", std::move(newly_spared)}};
}

json comparisons_json(const experiment& what, const run_figures& figures) {
  json out = json::array();
  for (std::size_t index = 1; index < figures.policies.size(); ++index)
    for (std::size_t i = 0; i < counted_stage_count; ++i) {
      json row{{"first", figures.policies.front().rules->name},
               {"second", figures.policies[index].rules->name},
               {"stage", to_text(counted_stages[i])}};
      for (const auto each : truths_of(what)) {
        const auto& against = figures.policies[index].stages[i].against_first[static_cast<std::size_t>(each)];
        row[std::string(to_text(each))] = {
            {"newly_hit", against.newly_hit}, {"newly_spared", against.newly_spared}, {"p", against.p_value}};
      }
      out.push_back(std::move(row));
    }
  return out;
}

/// Users by what is known of them.
json labels_json(const run_figures& figures) {
  json out{{"labelled", figures.labels.labelled},
           {"users", figures.labels.users},
           {"coverage", optional_json(proportion{figures.labels.labelled, figures.labels.users, {}}.rate())}};
  for (const auto each : truths)
    out[std::string(to_text(each))] = figures.policies.front().groups[static_cast<std::size_t>(each)].users;
  return out;
}

json run_json(const experiment& what, const run_result& result, const run_figures& figures, std::string_view binary) {
  json policies;
  for (const auto& each : what.policies)
    policies[each.name] = each.digest;
  const auto& counts = result.tally.counts;
  const bool knows_lateness = not what.captured or what.captured->arrivals_known;
  json out{{"digest", result.digest},
           {"seed", what.seed},
           {"events", result.tally.events},
           {"users", result.tally.users},
           {"users_wanted", what.users},
           {"days", what.days},
           {"start", to_time_text(what.people.start)},
           {"end", to_time_text(what.end())},
           {"population", what.people.name},
           {"reviewer", what.reviewer.name},
           {"inputs",
            {{"experiment", what.inputs.experiment},
             {"population", what.inputs.population},
             {"reviewer", what.inputs.reviewer}}},
           {"policies", std::move(policies)},
           {"binary", binary},
           {"duplicates", counts.duplicates},
           {"too_old", if_known(knows_lateness, counts.too_old)},
           {"moved_to_backfill", if_known(knows_lateness, counts.moved_to_backfill)}};
  if (what.captured)
    out["history"] = {{"file", what.captured->file},
                      {"digest", what.captured->digest},
                      {"arrivals_known", what.captured->arrivals_known},
                      {"labels", labels_json(figures)},
                      {"synthetic_users", what.captured->synthetic_users},
                      {"synthetic_prefix",
                       what.captured->synthetic_users > 0 ? json(what.captured->synthetic_prefix) : json(nullptr)},
                      {"controls", what.captured->keeps_switches ? "recorded" : "on"},
                      {"skipped_commands", if_known(what.knows(event_kind::admin), skipped_commands(what, result))}};
  return out;
}

} // namespace

std::string report_json(const experiment& what, const run_result& result, const run_figures& figures,
                        std::string_view binary) {
  json out{{"format", "fairuse.report.v1"}, {"experiment", what.name},
           {"partial", result.partial},     {"run", run_json(what, result, figures, binary)},
           {"policies", json::array()},     {"comparisons", comparisons_json(what, figures)},
           {"against_base", json::array()}, {"guards", json::array()}};
  for (const auto& each : figures.policies)
    out["policies"].push_back(policy_json(what, each));
  for (std::size_t index = 1; index < figures.policies.size(); ++index)
    out["against_base"].push_back(against_base_json(what, figures.policies.front(), figures.policies[index]));
  for (const auto& each : figures.guards)
    out["guards"].push_back({{"guard", each.of->text}, {"policy", each.policy}, {"verdict", to_text(each.outcome)}});
  return out.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

} // namespace fairuse::sim
