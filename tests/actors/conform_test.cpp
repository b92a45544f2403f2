// SPDX-License-Identifier: Apache-2.0
//
// The compatibility scenarios of tests/data/cases through the real user actors, row by row.
#include "sim/conform.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

using namespace fairuse;
using nlohmann::json;

namespace {

std::filesystem::path cases() {
  const auto* root = std::getenv("FAIRUSE_SOURCE_DIR");
  return std::filesystem::path(root != nullptr ? root : ".") / "tests/data/cases";
}

/// Null and absent are equal.
json without_nulls(const json& row) {
  json kept = json::object();
  for (const auto& [key, value] : row.items())
    if (not value.is_null()) kept[key] = value.is_object() ? without_nulls(value) : value;
  return kept;
}

std::vector<json> rows_of(std::istream& text) {
  std::vector<json> rows;
  for (std::string line; std::getline(text, line);)
    rows.push_back(without_nulls(json::parse(line)));
  return rows;
}

} // namespace

BOOST_AUTO_TEST_CASE(every_row_of_every_scenario_is_decided_alike) {
  int scenarios = 0;
  for (const auto& file : std::filesystem::directory_iterator(cases())) {
    const auto name = file.path().filename().string();
    if (not name.ends_with(".jsonl") or name.ends_with(".decisions.jsonl")) continue;
    BOOST_TEST_CONTEXT(name) {
      ++scenarios;
      std::ifstream scenario(file.path());
      std::stringstream out;
      const auto done = run_conform(scenario, out);
      if (not done) BOOST_FAIL(done.error().message);
      auto expected_path = file.path();
      std::ifstream expected_file(expected_path.replace_extension("").string() + ".decisions.jsonl");
      const auto expected = rows_of(expected_file);
      const auto is = rows_of(out);
      BOOST_TEST_REQUIRE(is.size() == expected.size());
      for (std::size_t i = 0; i < is.size(); ++i)
        BOOST_TEST_REQUIRE(is[i] == expected[i]);
    }
  }
  BOOST_TEST(scenarios == 32);
}
