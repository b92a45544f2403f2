// SPDX-License-Identifier: Apache-2.0
//
// The API beside an engine, in either mode. It listens once the state folder is the engine's, and answers `starting`
// until all that is committed is known.
//
//   auto api = running_service::open(settings, {.state = state, .log = log});
//   const auto engine = start_engine(..., {.folder_taken = [&] { return (*api)->listen(); },
//                                          .enforcement = (*api)->enforcement(),
//                                          .leases_used = (*api)->leases_used()});
//   (*api)->attach(*engine);
//   engine->run();
//   (*api)->detach();
//
// Threads: made and destroyed on one.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "api/shown_metrics.hpp"
#include "base/pure/log_level.hpp"
#include "config/deployment.hpp"
#include "engine/engine.hpp"
#include "engine/run_error.hpp"
#include "streams/enforcement_row.hpp"

namespace fairuse {

class running_service {
public:
  struct setup {
    /// Local mode: the engine's.
    std::filesystem::path state;
    /// Kafka mode: what FAIRUSE_INSTANCE says.
    std::string instance;
    std::string case_key;
    /// From any thread.
    std::function<void(log_level, const std::string&)> log;
  };

  /// Refused: a file of who may ask. REQUIRES: settings.api.listen.
  static run_result<std::unique_ptr<running_service>> open(const deployment& settings, const setup& with);
  /// Requests under way are answered, new ones are not taken.
  ~running_service();
  running_service(const running_service&) = delete;
  running_service& operator=(const running_service&) = delete;

  /// Refused: the address. REQUIRES: called once at most.
  run_result<void> listen();

  /// For engine_callbacks; empty in Kafka mode, where the topic says it.
  std::function<void(const enforcement_changes&)> enforcement();
  /// For engine_callbacks.
  std::function<void(std::span<const lease_use>)> leases_used();
  /// From now on the engine is asked, until detach() returns. REQUIRES: it was started with these callbacks.
  void attach(engine& running);
  void detach();

  /// Its metrics (docs/metrics.md). Threads: any.
  void show(shown_metrics& to) const;
  /// What is missing until it answers from what is committed; a sentence each.
  std::vector<std::string> missing() const;

private:
  struct body;
  explicit running_service(std::unique_ptr<body> all);
  std::unique_ptr<body> body_;
};

} // namespace fairuse
