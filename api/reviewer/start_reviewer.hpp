// SPDX-License-Identifier: Apache-2.0
//
// From a deployment to a reviewer that can run, in either mode: for the process of `fairuse reviewer` and for the
// thread of `fairuse run`.
// Threads: one.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "api/reviewer/review_caller.hpp"
#include "api/reviewer/reviewer.hpp"
#include "base/pure/log_level.hpp"
#include "base/system/folder_lock.hpp"
#include "config/deployment.hpp"
#include "engine/run_error.hpp"
#include "streams/kafka/broker/cluster.hpp"

namespace fairuse {

struct reviewer_setup {
  /// Local mode: the engine's. Kafka mode: one of this reviewer's own.
  std::filesystem::path state;
  /// Folders; empty: none (review_caller_options).
  std::filesystem::path record;
  std::filesystem::path play;
  /// Stop when no request is left.
  bool until_end = false;
  /// A variable of the environment; empty: it is not set.
  std::function<std::string(const char*)> variable;
  std::function<void(log_level, const std::string&)> log;
};

/// A reviewer with what it stands on. Destroyed from the last to the first.
struct started_reviewer {
  folder_lock lock;
  std::unique_ptr<kafka::cluster> brokers;
  std::unique_ptr<reviewer> running;
};

/// Refused: what the deployment says, or the folder, cannot be used.
run_result<started_reviewer> start_reviewer(const deployment& settings, const reviewer_setup& setup);

/// How the model is asked; also for `evaluate`, which has no state. Refused: no endpoint, no prompts.
run_result<review_caller_options> caller_options_of(const deployment& settings, const reviewer_setup& setup);

} // namespace fairuse
