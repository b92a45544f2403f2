// SPDX-License-Identifier: Apache-2.0
//
// A fixture whose figures can be computed by hand: light users speak 10 minutes a day, readers and talkers 3 hours. A
// review finds an audiobook if the user is a reader and nothing otherwise, always after 90 s.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/policy_file.hpp"
#include "config/presets.hpp"
#include "sim/experiment.hpp"
#include "tests/sim/laboratory_fixture.hpp"

namespace fairuse::sim::testing {

inline constexpr std::string_view small_population_text = R"(
name: small
start: 2026-03-01
daily_speech: {0: 10m, 0.899999999: 10m, 0.9: 3h, 1: 3h}
bands:
  - {until: 0.9, shares: {light: 1}}
  - {until: 1, shares: {reader: 0.5, talker: 0.5}}
cohorts:
  - {name: light, label: legitimate, rhythm: meetings, weekday: 1, weekend: 1, session: {0: 10m, 1: 10m},
     categories: [work], titles: [Call]}
  - {name: reader, label: misuse, usage: audiobook, rhythm: broadcasts, weekday: 1, weekend: 1,
     session: {0: 3h, 1: 3h}, categories: [literature], titles: [Chapter]}
  - {name: talker, label: legitimate, rhythm: meetings, weekday: 1, weekend: 1, session: {0: 1h, 1: 1h},
     categories: [work], titles: [Meeting]}
)";

inline constexpr std::string_view small_reviewer_text = R"(
name: clear
latency: {0: 90s, 1: 90s}
confidence: {0: 0.9, 1: 0.9}
default: {score: {0: 0.1, 1: 0.1}, astray: {0: 0.9, 1: 0.9}}
cohorts:
  reader: {score: {0: 0.9, 1: 0.9}, astray: {0: 0.1, 1: 0.1}, clear_type: audiobook}
)";

inline policy shipped_policy(std::string_view name) {
  yaml::diagnostics problems{std::string(name)};
  return must(parse_policy(preset_text(name).value(), problems), problems);
}

/// `rules` under another name.
inline policy renamed(policy rules, std::string name) {
  rules.name = std::move(name);
  stamp_digest(rules);
  return rules;
}

inline experiment small_experiment(std::vector<policy> policies) {
  yaml::diagnostics problems{"small"};
  experiment what;
  what.name = "small";
  what.people = must(read_population(must(yaml::parse(small_population_text, problems), problems), problems), problems);
  what.reviewer =
      must(read_reviewer(must(yaml::parse(small_reviewer_text, problems), problems), &what.people, problems), problems);
  what.users = 200;
  what.days = 7;
  what.policies = std::move(policies);
  return what;
}

/// The shipped population and reviewer.
inline experiment field_experiment(std::vector<policy> policies, std::uint32_t users, std::uint32_t days) {
  experiment what;
  what.name = "field";
  what.people = shipped_population();
  what.reviewer = shipped_reviewer();
  what.users = users;
  what.days = days;
  what.policies = std::move(policies);
  return what;
}

} // namespace fairuse::sim::testing
