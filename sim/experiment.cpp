// SPDX-License-Identifier: Apache-2.0

#include "sim/experiment.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "config/yaml.hpp"

namespace fairuse::sim {

std::string_view reviewed_as(const cohort& of, const experiment& in) {
  std::string_view name = of.name;
  if (in.captured and in.captured->synthetic_users > 0 and name.starts_with(in.captured->synthetic_prefix))
    name.remove_prefix(in.captured->synthetic_prefix.size());
  return name;
}

std::int64_t longest_span_ms(const policy& rules) {
  auto longest = rules.ceiling.cap_ms > 0 ? rules.ceiling.span_ms : 0;
  for (const auto& window : rules.windows)
    longest = std::max(longest, window.span_ms);
  return longest;
}

std::string why_not_added(const policy& rules, const experiment& in) {
  if (in.policies.size() == policies_max) return fmt::format("{} policies are the most", policies_max);
  if (rules.name == "live" or rules.name == "off") return fmt::format("a policy may not be called '{}'", rules.name);
  if (std::any_of(in.policies.begin(), in.policies.end(),
                  [&rules](const policy& each) { return each.name == rules.name; }))
    return fmt::format("a second policy '{}'; change the `name` in one of the files", rules.name);
  if (const auto longest = longest_span_ms(rules); longest > in.retention_ms)
    return fmt::format("policy '{}' looks back {}, longer than the retention of {}", rules.name,
                       yaml::format_duration(longest), yaml::format_duration(in.retention_ms));
  return {};
}

} // namespace fairuse::sim
