// SPDX-License-Identifier: Apache-2.0
//
// Cases of a policy: what users do, how their reviews end, and what must hold when. case_file.hpp reads them,
// case_run.hpp runs them. Threads: plain values.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/yaml.hpp"
#include "core/policy.hpp"
#include "sim/cases/case_time.hpp"
#include "sim/cases/usage_sentence.hpp"

namespace fairuse::sim {

/// How reviews end that nothing is recorded for.
struct case_reviews {
  /// No answer, ever.
  bool none = false;
  bool failed = false;
  /// The answer comes when the request has timed out.
  bool late = false;
  /// Of users without one of their own; nullopt: not said.
  std::optional<std::int32_t> score_nano;
  std::map<std::string, std::int32_t> by_user;
};

/// One value that must be seen.
struct expected_value {
  enum class kind : std::uint8_t { stage, release, sum, strikes, budget, uploads, decisions };
  kind what = kind::stage;
  /// The window, or the decision.
  std::string name;
  /// In the form in which what was seen is written.
  std::string expected;
  /// Where the value stands in the file, and how.
  yaml::place at;
  std::string written;
};

/// What must hold of a user at a time: `day 1 11:00`.
struct expectation {
  yaml::place at;
  /// Empty: the only one of the case.
  std::string user;
  case_time when;
  std::vector<expected_value> values;
};

struct policy_case {
  std::string name;
  yaml::place at;
  std::shared_ptr<const policy> rules;
  /// Midnight of day 1; nullopt: of the day of the first event.
  std::optional<time_ms> start;
  std::vector<usage_sentence> sentences;
  /// Instead: a history, or files that a history is packed from.
  std::string history;
  std::vector<std::string> files;
  case_reviews reviews;
  std::vector<expectation> expected;
};

struct case_file {
  std::string file;
  std::vector<policy_case> cases;
};

} // namespace fairuse::sim
