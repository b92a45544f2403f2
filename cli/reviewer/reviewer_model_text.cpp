// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

#include "base/pure/quantile.hpp"
#include "cli/reviewer/evaluation.hpp"
#include "cli/reviewer/judged_counts.hpp"
#include "config/yaml.hpp"

namespace fairuse::cli {

namespace {

using yaml::format_decimal;

constexpr std::int32_t whole_nano = 1'000'000'000;
/// Below it a review names no type in the laboratory.
constexpr std::int32_t named_from_nano = 500'000'000;

std::string score_text(std::int64_t nano) { return format_decimal(nano, 9); }

/// A quantile curve; `sorted` ascends and is not empty.
template <class Format>
std::string curve_text(const std::vector<std::int64_t>& sorted, Format format) {
  return fmt::format("{{0: {}, 0.1: {}, 0.5: {}, 0.9: {}, 1: {}}}", format(sorted.front()),
                     format(quantile_of(sorted, 10)), format(quantile_of(sorted, 50)), format(quantile_of(sorted, 90)),
                     format(sorted.back()));
}

/// What is known of one profile: the scores of those it read right and of those it misread.
struct profile {
  std::vector<std::int64_t> right;
  std::vector<std::int64_t> misread;
  std::map<usage_type, std::uint64_t> right_types;
  std::map<usage_type, std::uint64_t> misread_types;
  bool misuse = false;
};

void add(profile& into, const judged_review& one, std::int32_t gate_nano) {
  const bool is_right = (one.score_nano >= gate_nano) == one.misuse;
  into.misuse = one.misuse;
  (is_right ? into.right : into.misread).push_back(one.score_nano);
  if (one.score_nano >= named_from_nano) ++(is_right ? into.right_types : into.misread_types)[one.type];
}

std::string_view most_frequent(const std::map<usage_type, std::uint64_t>& types) {
  if (types.empty()) return to_text(usage_type::unknown);
  const auto less = [](const auto& left, const auto& right) { return left.second < right.second; };
  return to_text(std::max_element(types.begin(), types.end(), less)->first);
}

/// Scores nobody had: from the gate to 1, or from 0 to just below it.
std::string assumed_curve(bool above, std::int32_t gate_nano) {
  const auto end = above ? whole_nano : std::max(gate_nano - 1, 0);
  return fmt::format("{{0: {}, 1: {}}}  # assumed: there was none", score_text(above ? gate_nano : 0), score_text(end));
}

std::string scores_text(std::vector<std::int64_t> scores, bool above, std::int32_t gate_nano) {
  if (scores.empty()) return assumed_curve(above, gate_nano);
  std::sort(scores.begin(), scores.end());
  return curve_text(scores, score_text);
}

std::string profile_text(const profile& of, std::int32_t gate_nano, const std::string& indent) {
  const auto all = of.right.size() + of.misread.size();
  const auto share = all == 0 ? 0 : of.misread.size() * 1'000'000 / all;
  auto text =
      fmt::format("{0}score: {1}\n{0}astray: {2}\n{0}astray_users: {3}  # {4} of {5}\n{0}astray_reviews: 0\n", indent,
                  scores_text(of.right, of.misuse, gate_nano), scores_text(of.misread, not of.misuse, gate_nano),
                  format_decimal(static_cast<std::int64_t>(share), 6), of.misread.size(), all);
  if (not of.right_types.empty()) text += fmt::format("{}clear_type: {}\n", indent, most_frequent(of.right_types));
  if (not of.misread_types.empty()) text += fmt::format("{}astray_type: {}\n", indent, most_frequent(of.misread_types));
  return text;
}

/// Of all verdicts.
template <class Value>
std::vector<std::int64_t> sorted_values(const evaluation& of, Value value) {
  std::vector<std::int64_t> all;
  for (const auto& each : of.reviews)
    if (each.why == review_failure::none) all.push_back(value(each));
  std::sort(all.begin(), all.end());
  return all;
}

} // namespace

std::string check_for_model(const evaluation& of) {
  std::map<std::string, bool> cohorts;
  for (const auto& each : of.reviews) {
    if (each.misuse and each.cohort.empty())
      return "a misuse has no cohort; the laboratory's reviewer is made by cohorts, so name it in the label";
    if (each.cohort.empty()) continue;
    if (each.cohort.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != std::string::npos)
      return "a cohort's name is not of a-z, 0-9 and _";
    if (cohorts.emplace(each.cohort, each.misuse).first->second != each.misuse)
      return "the cohort '" + each.cohort + "' is labelled as misuse and as legitimate";
  }
  return {};
}

std::string reviewer_model_text(const evaluation& of, const std::string& name) {
  // All legitimate users together are what is known of those of other cohorts.
  profile others;
  std::map<std::string, profile> cohorts;
  for (const auto& each : of.reviews) {
    if (each.why != review_failure::none) continue;
    if (not each.misuse) add(others, each, of.gate_nano);
    if (not each.cohort.empty()) add(cohorts[each.cohort], each, of.gate_nano);
  }
  const auto latency =
      sorted_values(of, [](const judged_review& one) { return std::max<std::int64_t>(one.calls_ms, 1); });
  const auto confidence = sorted_values(of, [](const judged_review& one) { return std::int64_t{one.confidence_nano}; });
  const auto failures = failed_of(of) * 1'000'000 / of.reviews.size();
  auto text = fmt::format(
      "# {} labelled reviews by {} with prompts {}, by `fairuse reviewer evaluate`.\n"
      "# Right and misread are told apart at a score of {}. Each label was reviewed once, so whom the model misreads\n"
      "# counts as misread every time. Keys: config/experiments/README.md.\n"
      "name: {}\nlatency: {}\nconfidence: {}\nfailures: {}  # {} of {}\n\ndefault:\n{}",
      of.reviews.size(), of.model, of.prompt_version, score_text(of.gate_nano), name,
      curve_text(latency, yaml::format_duration), curve_text(confidence, score_text),
      format_decimal(static_cast<std::int64_t>(failures), 6), failed_of(of), of.reviews.size(),
      profile_text(others, of.gate_nano, "  "));
  if (not cohorts.empty()) text += "\ncohorts:\n";
  for (const auto& [cohort, each] : cohorts)
    text += fmt::format("  {}:\n{}", cohort, profile_text(each, of.gate_nano, "    "));
  return text;
}

} // namespace fairuse::cli
