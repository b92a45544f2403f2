// SPDX-License-Identifier: Apache-2.0
//
// `fairuse run` without its command line.
#pragma once

#include <string>
#include <vector>

#include "engine/engine.hpp"

namespace fairuse::cli {

struct run_options {
  std::string config_file;
  run_settings engine;
  /// Options that were given and that only this mode of streams has.
  std::vector<std::string> local_only;
  std::vector<std::string> kafka_only;
  /// Of the API, instead of the deployment's; empty: as that says.
  std::string listen;
  std::string advertise;
  /// The report as JSON on stdout, besides.
  bool json = false;
};

/// Runs an engine with the environment, the signals and the terminal of this process; returns an exit code. Errors go
/// to stderr.
int run_engine(run_options options);

} // namespace fairuse::cli
