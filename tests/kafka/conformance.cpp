// SPDX-License-Identifier: Apache-2.0

#include "tests/kafka/conformance.hpp"

#include <iterator>
#include <vector>

#include "tests/kafka/steps.hpp"

namespace fairuse::kafka::conformance {

namespace {

std::string outcome_of(const row& which, fixture& where) {
  try {
    which.holds(where);
    return "";
  } catch (const not_shown& why) {
    return std::string("skipped: ") + why.what();
  } catch (const mismatch& what) {
    return what.what();
  }
}

} // namespace

std::span<const row> table() {
  static const std::vector<row> all = [] {
    std::vector<row> rows;
    for (auto part : {log_rows(), fencing_rows(), offset_rows(), group_rows()})
      std::move(part.begin(), part.end(), std::back_inserter(rows));
    return rows;
  }();
  return all;
}

int run_table(fixture& where, const std::function<void(const row&, const std::string& outcome)>& report) {
  int failed = 0;
  for (const row& each : table()) {
    const std::string outcome = outcome_of(each, where);
    report(each, outcome);
    if (!outcome.empty() && !outcome.starts_with("skipped: ")) ++failed;
  }
  return failed;
}

} // namespace fairuse::kafka::conformance
