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

/// Local mode: what a deployment says, with the store in `state_folder`. `secret`: the value of
/// `webhook_secret_variable`.
run_result<std::unique_ptr<notifier>> make_local_notifier(const deployment& settings,
                                                          const std::filesystem::path& state_folder,
                                                          const std::string& case_key, std::string_view secret,
                                                          std::function<void(log_level, const std::string&)> log);

} // namespace fairuse
