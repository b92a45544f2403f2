// SPDX-License-Identifier: Apache-2.0
//
// A history decided once more as it was recorded: `replay --as-recorded`, and `verify --state`, which packs the store
// of local mode into a history of its own and compares with the store's decisions.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "cli/command.hpp"
#include "sim/recorded_replay.hpp"

namespace fairuse::cli {

struct recorded_settings {
  std::filesystem::path history;
  /// 0: one per processor.
  unsigned workers = 0;
  /// Of the deployment, for commands that name a strike by its case; empty: FAIRUSE_CASE_KEY or the development key.
  std::filesystem::path case_key;
};

/// With progress and Ctrl-C. `sink` gets every user. A replay that was stopped says so in its result.
command_result<sim::recorded_result> replay_recorded(const recorded_settings& settings, const sim::recorded_sink& sink);

/// `live 12, off 3`.
std::string counts_of(const sim::recorded_result& from);

struct replay_recorded_settings {
  recorded_settings what;
  /// Every decision, NDJSON by user; empty: none is written.
  std::filesystem::path decisions;
  bool as_json = false;
};

/// `fairuse replay --as-recorded`.
command_result<int> show_recorded(const replay_recorded_settings& settings);

struct verify_state_settings {
  std::filesystem::path state;
  std::filesystem::path case_key;
  /// Folder for what is made on the way; empty: the system's.
  std::filesystem::path scratch;
  bool as_json = false;
};

command_result<int> verify_state(const verify_state_settings& settings);

} // namespace fairuse::cli
