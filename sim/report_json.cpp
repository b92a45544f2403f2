// SPDX-License-Identifier: Apache-2.0

#include <nlohmann/json.hpp>

#include "events/time_text.hpp"
#include "sim/report.hpp"

namespace fairuse::sim {

namespace {

using json = nlohmann::ordered_json;

constexpr std::array<truth, truth_count> truths{truth::legitimate, truth::misuse, truth::exhausted};

json optional_json(const auto& value) { return value ? json(*value) : json(nullptr); }

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

/// Value of rank ceil(percent * n / 100) of sorted values.
json quantile(const std::vector<std::int64_t>& sorted, std::size_t percent) {
  if (sorted.empty()) return nullptr;
  return sorted[(sorted.size() * percent + 99) / 100 - 1];
}

json time_json(const stage_tally& of) {
  return {{"users", of.reached_after_ms.size()},
          {"least_ms", of.reached_after_ms.empty() ? json(nullptr) : json(of.reached_after_ms.front())},
          {"median_ms", quantile(of.reached_after_ms, 50)},
          {"p90_ms", quantile(of.reached_after_ms, 90)}};
}

json user_days(std::int64_t held_ms) { return static_cast<double>(held_ms) / static_cast<double>(day_ms); }

json stage_json(const policy_figures& of, std::size_t index) {
  const auto& stage = of.stages[index];
  json out;
  json days;
  json times;
  for (std::size_t label = 0; label < truth_count; ++label) {
    const std::string name(to_text(truths[label]));
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
          {"stt_ms", group.audio.stt_ms},
          {"stt_blocked_ms", group.audio.stt_blocked_ms},
          {"upload_refused_ms", group.audio.upload_refused_ms},
          {"stt_economy_ms", group.audio.stt_economy_ms}};
}

json economy_json(const policy_figures& of) {
  json out;
  for (std::size_t label = 0; label < truth_count; ++label)
    out[std::string(to_text(truths[label]))] = of.groups[label].audio.stt_economy_ms;
  return out;
}

json policy_json(const experiment& what, const policy_figures& of) {
  json stages;
  for (std::size_t i = 0; i < counted_stage_count; ++i)
    stages[std::string(to_text(counted_stages[i]))] = stage_json(of, i);
  json cohorts = json::array();
  for (std::size_t group = 0; group < of.cohorts->size(); ++group)
    cohorts.push_back(cohort_json(what, of, group));
  json out{{"name", of.rules->name},
           {"digest", of.rules->digest},
           {"decisions_digest", of.chain_digest},
           {"stages", std::move(stages)},
           {"missed", rate_json(of.missed, "users", "missed")},
           {"cohorts", std::move(cohorts)},
           {"reviews", of.reviews},
           {"review_outcomes",
            {{"cleared", of.answers.cleared},
             {"strikes", of.answers.strikes},
             {"failed", of.answers.failed},
             {"timed_out", of.answers.timed_out},
             {"ignored", of.answers.ignored},
             {"synthetic", of.synthetic}}},
           {"stt_ms", of.stt_ms},
           {"stt_ms_saved", of.saved_ms},
           {"harm_ms", of.harm_ms},
           {"exhausted_limited_ms", of.exhausted_ms},
           {"stt_ms_economy", economy_json(of)}};
  if (of.money)
    out["money_micro"] = {{"currency", what.prices->currency},
                          {"stt", of.money->stt},
                          {"saved", of.money->saved},
                          {"saved_by_economy", of.money->saved_by_economy},
                          {"reviews", of.money->reviews}};
  return out;
}

json comparisons_json(const run_figures& figures) {
  json out = json::array();
  for (std::size_t index = 1; index < figures.policies.size(); ++index)
    for (std::size_t i = 0; i < counted_stage_count; ++i) {
      json row{{"first", figures.policies.front().rules->name},
               {"second", figures.policies[index].rules->name},
               {"stage", to_text(counted_stages[i])}};
      for (std::size_t label = 0; label < truth_count; ++label) {
        const auto& against = figures.policies[index].stages[i].against_first[label];
        row[std::string(to_text(truths[label]))] = {
            {"newly_hit", against.newly_hit}, {"newly_spared", against.newly_spared}, {"p", against.p_value}};
      }
      out.push_back(std::move(row));
    }
  return out;
}

json run_json(const experiment& what, const run_result& result, std::string_view binary) {
  json policies;
  for (const auto& each : what.policies)
    policies[each.name] = each.digest;
  const auto& counts = result.tally.counts;
  return {{"digest", result.digest},
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
          {"too_old", counts.too_old},
          {"moved_to_backfill", counts.moved_to_backfill}};
}

} // namespace

std::string report_json(const experiment& what, const run_result& result, const run_figures& figures,
                        std::string_view binary) {
  json out{{"format", "fairuse.report.v1"}, {"experiment", what.name},
           {"partial", result.partial},     {"run", run_json(what, result, binary)},
           {"policies", json::array()},     {"comparisons", comparisons_json(figures)},
           {"guards", json::array()}};
  for (const auto& each : figures.policies)
    out["policies"].push_back(policy_json(what, each));
  for (const auto& each : figures.guards)
    out["guards"].push_back({{"guard", each.of->text}, {"policy", each.policy}, {"verdict", to_text(each.outcome)}});
  return out.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

} // namespace fairuse::sim
