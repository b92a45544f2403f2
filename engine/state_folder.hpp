// SPDX-License-Identifier: Apache-2.0
//
// The folder that --state names: of one process at a time, looked at before anything is opened in it.
// Threads: one.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "base/system/folder_lock.hpp"
#include "config/deployment.hpp"
#include "engine/run_error.hpp"

namespace fairuse {

/// Has an instance of Kafka mode its state there?
bool holds_kafka_state(const std::filesystem::path& folder);
/// Does a process have it chosen? Its lock ends with it, however it ends. Also true where locks are not known.
bool is_in_use(const std::filesystem::path& folder);

class state_folder {
public:
  state_folder() = default;
  state_folder(const state_folder&) = delete;
  state_folder& operator=(const state_folder&) = delete;
  /// Gives the folder back. After withdraw(): takes back what was made in an unused folder. Folders that were not there
  /// and have nothing in them go.
  ~state_folder();

  /// Make the folder and keep other processes out. Refused: it holds something else than state of this mode.
  run_result<void> choose(std::filesystem::path folder, stream_kind mode);
  /// The run is refused and committed nothing.
  void withdraw() { withdrawn_ = true; }

private:
  run_result<void> lock();

  std::filesystem::path folder_;
  std::optional<folder_lock> lock_;
  /// It was empty or absent.
  bool unused_ = false;
  bool withdrawn_ = false;
  /// It and those above it that were absent, from the lowest on.
  std::vector<std::filesystem::path> absent_;
};

} // namespace fairuse
