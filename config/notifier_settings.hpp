// SPDX-License-Identifier: Apache-2.0
//
// `notifier:` of a deployment: where people's notifications are sent to, in which words, and for how long it is tried.
// All of it was checked when the file was loaded, the messages included.
// Threads: plain values, nothing shared.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "config/message_texts.hpp"
#include "config/yaml.hpp"

namespace fairuse {

struct notifier_settings {
  /// The webhook; empty: nobody is notified.
  std::string url;
  /// Holds the secret of the signatures, or two on two lines while they are changed; empty: the variable
  /// `webhook_secret_variable` does.
  std::filesystem::path secret_file;
  /// Those that are sent.
  std::vector<notice_about> send = {notice_about::stage, notice_about::budget_low, notice_about::budget_exhausted};
  /// Of the deployment's folder, or those that ship with the program. REQUIRES: they have `default_locale`.
  message_set messages = shipped_messages();
  std::string default_locale = "en";
  /// What the messages call the service.
  std::string product;
  /// An address, or a sentence: how a user appeals.
  std::string appeal;
  std::int64_t timeout_ms = 15'000;
  /// From the first attempt on.
  std::int64_t give_up_after_ms = 86'400'000;
  std::int64_t retry_first_ms = 5'000;
  std::int64_t retry_most_ms = 3'600'000;
  /// Requests at once.
  std::uint32_t concurrency = 16;
  /// As libcurl takes it; empty: what the environment says.
  std::string proxy;
  /// Certificates to trust instead of the system's; empty: those.
  std::filesystem::path ca_file;
  /// address:port of /livez and /metrics; empty: there are none.
  std::string listen;
  /// On Kafka: the topic that says how each notice ended.
  std::string ends_topic = "fairuse.notification-ends.v1";
  /// Local mode: `run` notifies, too.
  bool with_engine = false;
};

inline constexpr const char* webhook_secret_variable = "FAIRUSE_WEBHOOK_SECRET";

/// Reads all of the section. Paths resolve against `folder`; what is wrong with the files of messages goes to
/// `of_messages`, with their names.
void bind_notifier(yaml::map_reader& from, const std::filesystem::path& folder, notifier_settings& into,
                   yaml::diagnostics& of_messages);

} // namespace fairuse
