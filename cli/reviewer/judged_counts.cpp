// SPDX-License-Identifier: Apache-2.0

#include "cli/reviewer/judged_counts.hpp"

namespace fairuse::cli {

confusion confusion_of(const evaluation& of, std::int32_t gate_nano) {
  confusion all;
  for (const auto& each : of.reviews) {
    if (each.why != review_failure::none)
      ++(each.misuse ? all.failed_misuse : all.failed_legitimate);
    else if (each.score_nano >= gate_nano)
      ++(each.misuse ? all.found : all.accused);
    else
      ++(each.misuse ? all.missed : all.cleared);
  }
  return all;
}

std::uint64_t failed_of(const evaluation& of) {
  const auto all = confusion_of(of, of.gate_nano);
  return all.failed_misuse + all.failed_legitimate;
}

std::map<review_failure, std::uint64_t> failures_of(const evaluation& of) {
  std::map<review_failure, std::uint64_t> counts;
  for (const auto& each : of.reviews)
    if (each.why != review_failure::none) ++counts[each.why];
  return counts;
}

known_costs costs_of(const evaluation& of) {
  known_costs all;
  for (const auto& each : of.reviews)
    if (each.cost_micro) {
      ++all.known;
      all.micro += *each.cost_micro;
    }
  return all;
}

share_of types_right_of(const evaluation& of) {
  share_of share;
  for (const auto& each : of.reviews)
    if (each.misuse and each.labelled_type and each.why == review_failure::none and each.score_nano >= of.gate_nano) {
      ++share.all;
      share.hits += each.type == *each.labelled_type ? 1 : 0;
    }
  return share;
}

std::map<std::string, share_of> cohorts_of(const evaluation& of) {
  std::map<std::string, share_of> cohorts;
  for (const auto& each : of.reviews)
    if (not each.cohort.empty() and each.why == review_failure::none) {
      auto& share = cohorts[each.cohort];
      ++share.all;
      share.hits += each.score_nano >= of.gate_nano ? 1 : 0;
    }
  return cohorts;
}

} // namespace fairuse::cli
