// SPDX-License-Identifier: Apache-2.0
//
// The folder that --state names, before anything is opened in it.
// Threads: one.
#pragma once

#include <filesystem>
#include <vector>

#include "config/deployment.hpp"
#include "engine/run_error.hpp"

namespace fairuse {

class state_folder {
public:
  state_folder() = default;
  state_folder(const state_folder&) = delete;
  state_folder& operator=(const state_folder&) = delete;
  /// After withdraw(): takes back what was made in an unused folder, and the folder if it was not there.
  ~state_folder();

  /// Refused: it holds something else than state of this mode.
  run_result<void> choose(std::filesystem::path folder, stream_kind mode);
  /// The run is refused and committed nothing.
  void withdraw() { withdrawn_ = true; }

private:
  std::filesystem::path folder_;
  /// It was empty or absent.
  bool unused_ = false;
  bool withdrawn_ = false;
  /// It and those above it that were absent, from the lowest on.
  std::vector<std::filesystem::path> absent_;
};

} // namespace fairuse
