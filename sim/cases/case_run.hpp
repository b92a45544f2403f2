// SPDX-License-Identifier: Apache-2.0
//
// Runs a case: its history is replayed up to each time that is asked about, and core says where the user stands.
#pragma once

#include <string>
#include <vector>

#include "sim/cases/policy_case.hpp"
#include "storage/history/history_file.hpp"

namespace fairuse::sim {

/// A value that was expected, and what there was.
struct compared_value {
  const expectation* of = nullptr;
  const expected_value* value = nullptr;
  std::string user;
  std::string seen;
  bool holds = false;
  /// What was seen is a value, and not that there is no such user.
  bool can_be_expected = false;
};

struct case_result {
  const policy_case* of = nullptr;
  time_ms start = 0;
  std::vector<compared_value> values;
  /// All decisions up to the last time, NDJSON as `replay --decisions` writes them.
  std::string decisions;

  bool passed() const;
};

/// `of` outlives the result. May throw where threads, memory or a history's bytes fail.
case_result run_case(const policy_case& of, const history::history_reader& traffic);

/// What a policy decides alone about a history up to `end` (`never`: to its own end), with recorded outcomes: as
/// `fairuse replay --decisions` writes it. Throws as run_case() does.
std::string decisions_under(const policy& rules, const history::history_reader& traffic, time_ms end);

} // namespace fairuse::sim
