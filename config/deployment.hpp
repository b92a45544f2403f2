// SPDX-License-Identifier: Apache-2.0
//
// config/local.yaml and config/kafka.yaml: one running engine. Policies say what it decides; this file says which of
// them are loaded, and how the engine runs. Relative paths resolve against the folder of the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/pure/log_level.hpp"
#include "config/api_settings.hpp"
#include "config/kafka_settings.hpp"
#include "config/notifier_settings.hpp"
#include "config/policy_file.hpp"
#include "config/reviewer_settings.hpp"
#include "config/yaml.hpp"
#include "core/policy.hpp"
#include "events/event.hpp"

namespace fairuse {

enum class stream_kind : std::uint8_t { local, kafka };
enum class log_format : std::uint8_t { text, json };

std::string_view to_text(stream_kind value);

struct retention_rule {
  /// Minute buckets and event ids; no window may be longer.
  std::int64_t usage_ms = 8 * day_ms;
  std::int64_t input_ms = 35 * day_ms;
  std::int64_t decisions_ms = 400 * day_ms;
};

struct log_settings {
  log_level level = log_level::info;
  log_format format = log_format::text;
};

struct deployment {
  /// The file, as given.
  std::filesystem::path file;
  bool enabled = false;
  bool kill_switch = false;
  /// User ids; sorted, unique.
  std::vector<std::string> exempt;
  /// `source` of every decision.
  std::string source = "fairuse";
  stream_kind streams = stream_kind::local;
  /// REQUIRES: stream_kind::kafka.
  kafka_settings kafka;
  std::filesystem::path live_policy;
  std::vector<std::filesystem::path> shadow_policies;
  /// Empty: FAIRUSE_CASE_KEY, or the local mode's development key; Kafka has none.
  std::filesystem::path case_key_file;
  retention_rule retention;
  reviewer_settings reviewer;
  notifier_settings notifier;
  api_settings api;
  log_settings log;
  /// Actors kept in memory per shard; above it the idlest are stopped.
  std::uint32_t active_users_max = 100'000;
  /// `--clock events`: how far ahead of `now` an event may be.
  std::int64_t max_gap_ms = 40 * day_ms;
};

struct loaded_deployment {
  deployment settings;
  policy live;
  /// By name.
  std::vector<policy> shadows;
};

/// File -> settings and the policies it names, with their digests; nullopt if anything is refused. Diagnostics are of
/// all the files, with what the linter says of the policies. `library` is asked about the properties of a deployment on
/// Kafka.
std::optional<loaded_deployment> load_deployment(const std::filesystem::path& file, const client_library& library,
                                                 yaml::diagnostics& out);

/// What policies and deployment may not be together: equal names, a shadow called like a slot, a span longer than the
/// retention.
std::vector<finding> contradictions(const loaded_deployment& all);

} // namespace fairuse
