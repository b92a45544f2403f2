// SPDX-License-Identifier: Apache-2.0
//
// Fixture of the laboratory's tests: the shipped population and reviewer.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "sim/population_file.hpp"

namespace fairuse::sim::testing {

inline std::filesystem::path source_folder() {
  const char* folder = std::getenv("FAIRUSE_SOURCE_DIR");
  if (folder == nullptr) throw std::runtime_error("FAIRUSE_SOURCE_DIR is not set; run the tests through ctest");
  return folder;
}

template <class T>
const T& must(const std::optional<T>& value, const yaml::diagnostics& problems) {
  if (!value) throw std::runtime_error(problems.text());
  return *value;
}

inline const population& shipped_population() {
  static yaml::diagnostics problems{"population.yaml"};
  static const auto people = load_population(source_folder() / "config/experiments/population.yaml", problems);
  return must(people, problems);
}

inline const reviewer_model& shipped_reviewer() {
  static yaml::diagnostics problems{"reviewer.yaml"};
  static const auto model =
      load_reviewer(source_folder() / "config/experiments/reviewer.yaml", &shipped_population(), problems);
  return must(model, problems);
}

} // namespace fairuse::sim::testing
