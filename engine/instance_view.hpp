// SPDX-License-Identifier: Apache-2.0
//
// What a running instance of Kafka mode tells of itself: `partitions.json` in its state folder, replaced whole about
// once a second. The operator's commands read it on the instance's machine.
// Threads: plain values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/pure/result.hpp"
#include "events/refusal.hpp"
#include "streams/rules_view.hpp"

namespace fairuse {

struct partition_view {
  std::int32_t partition = 0;
  /// ready, restoring, refused, failed.
  std::string state;
  /// Why it is refused, or what it waits for.
  std::string says;
  std::uint64_t epoch = 0;
  time_ms now = 0;
  /// -1: not known yet.
  std::int64_t lag = -1;
  std::uint64_t active_users = 0;
  std::uint64_t pending_rows = 0;
  /// Changelog records, while it is restoring.
  std::int64_t restored = 0;
  std::int64_t to_restore = 0;
  /// Of a ready one.
  std::optional<rules_view> rules;
  friend bool operator==(const partition_view&, const partition_view&) = default;
};

struct instance_view {
  std::string instance;
  std::int64_t pid = 0;
  /// False: it has ended in order.
  bool running = false;
  /// Wall clock.
  time_ms at = 0;
  std::string bootstrap;
  std::string decisions_topic;
  std::string dead_letters_topic;
  std::string enforcement_topic;
  std::uint64_t aborts = 0;
  std::uint64_t recycled = 0;
  std::uint64_t transactions = 0;
  std::uint64_t rebalances = 0;
  /// Since the process started.
  refusal_counts dead_letters{};
  std::vector<partition_view> partitions;
  friend bool operator==(const instance_view&, const instance_view&) = default;
};

/// As in the file.
nlohmann::ordered_json to_json(const rules_view& rules);
nlohmann::ordered_json to_json(const refusal_counts& counts);

std::filesystem::path instance_view_file(const std::filesystem::path& state_folder);
std::string to_text(const instance_view& view);
/// An error: the text is damaged.
result<instance_view> instance_view_from(std::string_view text);

/// A command that prints the records of a topic, one a line, as `format` of kcat says.
std::string reader_command(const std::string& bootstrap, const std::string& topic, std::string_view format);
inline constexpr std::string_view keys_and_values_format = "%k %s\\n";
inline constexpr std::string_view headers_format = "%h\\n";

} // namespace fairuse
