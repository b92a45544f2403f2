// SPDX-License-Identifier: Apache-2.0
//
// /livez, /readyz and /metrics of a running engine, in either mode. It listens before the engine is opened.
//
//   auto status = run_status::open(settings, {.program = "1.2.3", .log = log});
//   start_engine(..., {.figures = (*status)->figures()});
//
// Threads: made and destroyed on one; figures() may be called by another.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/status_listener.hpp"
#include "base/pure/log_level.hpp"
#include "config/deployment.hpp"
#include "engine/engine_figures.hpp"
#include "engine/run_error.hpp"

namespace fairuse {

class run_status {
public:
  struct setup {
    /// Version of the program.
    std::string program;
    /// Of what stands beside the engine; both are called by the listener's thread, and may be empty.
    std::function<void(shown_metrics&)> show;
    readiness missing;
    std::function<void(log_level, const std::string&)> log;
  };

  /// An error: it cannot listen there. REQUIRES: settings.api.status_listen; what `with` names outlives it.
  static run_result<std::unique_ptr<run_status>> open(const deployment& settings, setup with);
  ~run_status();
  run_status(const run_status&) = delete;
  run_status& operator=(const run_status&) = delete;

  /// For engine_callbacks. REQUIRES: the engine is gone before this is.
  std::function<void(engine_figures)> figures();

private:
  struct body;
  explicit run_status(std::unique_ptr<body> all);
  std::unique_ptr<body> body_;
};

} // namespace fairuse
