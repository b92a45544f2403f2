// SPDX-License-Identifier: Apache-2.0
//
// A notifier that runs: source, deliverer, HTTP client, /livez and /metrics. The process of `fairuse notifier` has one,
// or a thread of `fairuse run`. Owns no signal and no stdout.
// Threads: run() on one; stop() and counts() from any.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "api/notifier/notice_source.hpp"
#include "api/notifier/webhook.hpp"
#include "base/pure/log_level.hpp"
#include "config/deployment.hpp"
#include "engine/run_error.hpp"
#include "streams/kafka/broker/cluster.hpp"

namespace fairuse {

struct notifier_options {
  notifier_settings settings;
  webhook_secrets secrets;
  /// From the thread of run(). No line names a user.
  std::function<void(log_level, const std::string&)> log;
};

/// Since the start.
struct notifier_counts {
  std::uint64_t sent = 0;
  std::uint64_t gave_up = 0;
  std::uint64_t dropped = 0;
  std::uint64_t attempts = 0;
};

class notifier {
public:
  /// Refused: settings that cannot work. REQUIRES: settings.url is not empty.
  static run_result<std::unique_ptr<notifier>> make(notifier_options options, std::unique_ptr<notice_source> from);
  ~notifier();
  notifier(const notifier&) = delete;
  notifier& operator=(const notifier&) = delete;

  /// Until stop(), or until the source fails. Then what is under way has a few seconds to end, and is saved.
  run_result<void> run();
  void stop();
  notifier_counts counts() const;

private:
  struct body;
  explicit notifier(std::unique_ptr<body> all);
  std::unique_ptr<body> body_;
};

struct notifier_setup {
  /// Local mode: the engine's. On Kafka nothing is kept in it.
  std::filesystem::path state;
  std::string case_key;
  /// Values of `webhook_secret_variable` and of `instance_variable`; empty: they are not set.
  std::string secret;
  std::string instance;
  std::function<void(log_level, const std::string&)> log;
};

/// A notifier with what it stands on. Destroyed from the last to the first.
struct started_notifier {
  std::unique_ptr<kafka::cluster> brokers;
  std::unique_ptr<notifier> running;
};

/// As the deployment says, in its mode.
run_result<started_notifier> start_notifier(const deployment& settings, const notifier_setup& setup);

} // namespace fairuse
