// SPDX-License-Identifier: Apache-2.0

#include "cli/reviewer/evaluation.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/pure/text_table.hpp"
#include "cli/reviewer/judged_counts.hpp"
#include "config/yaml.hpp"
#include "sim/statistics.hpp"

namespace fairuse::cli {

namespace {

using nlohmann::ordered_json;
using yaml::format_decimal;

constexpr std::int32_t bin_nano = 50'000'000;
constexpr std::size_t bins = 20;
constexpr std::int32_t first_threshold_nano = 500'000'000;
constexpr std::int32_t last_threshold_nano = 950'000'000;

std::string percent(double share) { return fmt::format("{:.1f} %", share * 100); }

std::string with_interval(const share_of& share) {
  const auto [lower, upper] = sim::clopper_pearson(share.hits, share.all);
  if (share.all == 0) return "no review";
  const auto value = static_cast<double>(share.hits) / static_cast<double>(share.all);
  return fmt::format("{} of {}, {} ({} to {})", share.hits, share.all, percent(value), percent(lower), percent(upper));
}

ordered_json interval_json(const share_of& share) {
  const auto [lower, upper] = sim::clopper_pearson(share.hits, share.all);
  return {{"hits", share.hits}, {"of", share.all}, {"lower", lower}, {"upper", upper}};
}

/// Reviews by score, misuse and legitimate.
using histogram = std::array<std::array<std::uint64_t, 2>, bins>;

histogram histogram_of(const evaluation& of) {
  histogram counts{};
  for (const auto& each : of.reviews)
    if (each.why == review_failure::none)
      ++counts[std::min<std::size_t>(static_cast<std::size_t>(each.score_nano / bin_nano), bins - 1)]
              [each.misuse ? 0 : 1];
  return counts;
}

std::string summary_text(const evaluation& of) {
  const auto costs = costs_of(of);
  auto text = fmt::format("{} reviews by {}, prompts {}: {} with a verdict", of.reviews.size(), of.model,
                          of.prompt_version, of.reviews.size() - failed_of(of));
  for (const auto& [why, count] : failures_of(of))
    text += fmt::format(", {} {}", count, label_of(why));
  if (costs.known > 0) text += fmt::format("; {} of them cost {}", costs.known, format_decimal(costs.micro, 6));
  return text + "\n\n";
}

std::string confusion_text(const evaluation& of) {
  const auto all = confusion_of(of, of.gate_nano);
  text_table table{{{"label", text_table::align::left}, {"said misuse"}, {"said not"}, {"failed"}}};
  table.add({"misuse", std::to_string(all.found), std::to_string(all.missed), std::to_string(all.failed_misuse)});
  table.add(
      {"legitimate", std::to_string(all.accused), std::to_string(all.cleared), std::to_string(all.failed_legitimate)});
  return fmt::format(
      "At a score of {}, the live policy's:\n\n{}\nfalse positives  {}\nfound            {}\nusage type right {}\n\n",
      format_decimal(of.gate_nano, 9), table.text(), with_interval(all.false_positives()), with_interval(all.finds()),
      with_interval(types_right_of(of)));
}

std::string cohorts_text(const evaluation& of) {
  text_table table{{{"cohort", text_table::align::left}, {"reviews"}, {"said misuse", text_table::align::left}}};
  const auto cohorts = cohorts_of(of);
  for (const auto& [name, share] : cohorts)
    table.add({name, std::to_string(share.all), with_interval(share)});
  return cohorts.empty() ? "" : table.text() + "\n";
}

std::string histogram_text(const evaluation& of) {
  text_table table{{{"score", text_table::align::left}, {"misuse"}, {"legitimate"}}};
  const auto counts = histogram_of(of);
  for (std::size_t i = 0; i < bins; ++i)
    table.add({fmt::format("{:.2f} to {:.2f}", static_cast<double>(i) / bins, static_cast<double>(i + 1) / bins),
               std::to_string(counts[i][0]), std::to_string(counts[i][1])});
  return table.text() + "\n";
}

std::string thresholds_text(const evaluation& of) {
  text_table table{{{"at", text_table::align::left},
                    {"false positives", text_table::align::left},
                    {"found", text_table::align::left}}};
  for (auto gate = first_threshold_nano; gate <= last_threshold_nano; gate += bin_nano) {
    const auto all = confusion_of(of, gate);
    table.add({format_decimal(gate, 9), with_interval(all.false_positives()), with_interval(all.finds())});
  }
  return table.text();
}

} // namespace

std::string evaluation_text(const evaluation& of) {
  return summary_text(of) + confusion_text(of) + cohorts_text(of) + histogram_text(of) + thresholds_text(of)
         + "\nIntervals are exact (Clopper-Pearson, 95 %).\n";
}

bool has_verdicts(const evaluation& of) { return failed_of(of) < of.reviews.size(); }

std::string evaluation_json(const evaluation& of) {
  const auto all = confusion_of(of, of.gate_nano);
  const auto costs = costs_of(of);
  ordered_json out{{"model", of.model}, {"prompt_version", of.prompt_version}, {"reviews", of.reviews.size()}};
  out["failed"] = ordered_json::object();
  for (const auto& [why, count] : failures_of(of))
    out["failed"][std::string(label_of(why))] = count;
  out["cost_micro"] = costs.micro;
  out["score"] = ordered_json::parse(format_decimal(of.gate_nano, 9));
  out["confusion"] = {
      {"misuse", {{"said_misuse", all.found}, {"said_not", all.missed}, {"failed", all.failed_misuse}}},
      {"legitimate", {{"said_misuse", all.accused}, {"said_not", all.cleared}, {"failed", all.failed_legitimate}}}};
  out["false_positives"] = interval_json(all.false_positives());
  out["found"] = interval_json(all.finds());
  out["types_right"] = interval_json(types_right_of(of));
  out["cohorts"] = ordered_json::object();
  for (const auto& [name, share] : cohorts_of(of))
    out["cohorts"][name] = interval_json(share);
  out["histogram"] = ordered_json::array();
  for (const auto& [misuse, legitimate] : histogram_of(of))
    out["histogram"].push_back({{"misuse", misuse}, {"legitimate", legitimate}});
  out["thresholds"] = ordered_json::array();
  for (auto gate = first_threshold_nano; gate <= last_threshold_nano; gate += bin_nano) {
    const auto at = confusion_of(of, gate);
    out["thresholds"].push_back({{"score", ordered_json::parse(format_decimal(gate, 9))},
                                 {"false_positives", interval_json(at.false_positives())},
                                 {"found", interval_json(at.finds())}});
  }
  return out.dump();
}

} // namespace fairuse::cli
