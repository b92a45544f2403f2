// SPDX-License-Identifier: Apache-2.0
//
// The topics of a deployment on Kafka: their names, where a group that is new to them starts, and how many dead letters
// they may hold. It stands beside the events because configuration, streams and tools use it, and configuration and
// streams may not include each other.
// Threads: plain values, nothing shared.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "events/event.hpp"

namespace fairuse {

enum class topic_role : std::uint8_t {
  input,
  decisions,
  notifications,
  enforcement,
  review_requests,
  dead_letters,
  policies,
  journal,
  changelog,
  notification_ends, ///< written by a notifier, not by the engine
  instances,         ///< written by the API of the instances
};

/// As a deployment's file writes it.
std::string_view to_text(topic_role value);

/// What the engine writes.
struct topic_names {
  std::string decisions = "fairuse.decisions.v1";
  std::string notifications = "fairuse.notifications.v1";
  std::string enforcement = "fairuse.enforcement.v1";
  std::string review_requests = "fairuse.review-requests.v1";
  std::string dead_letters = "fairuse.dlq.v1";
  std::string policies = "fairuse.policies.v1";
  std::string journal = "fairuse.journal.v1";
  std::string changelog = "fairuse.changelog.v1";

  static constexpr std::size_t count = 8;
  /// Role and name, in the order of the members.
  std::array<std::pair<topic_role, const std::string*>, count> named() const;
  std::array<std::pair<topic_role, std::string*>, count> named();
  std::vector<std::string> all() const;
};

/// Share of dead letters among the records, in 1e-9, over at least so many records and so long.
struct dead_letter_share {
  std::int32_t alarm_nano = 10'000'000;
  /// 0: the stream never stops for them.
  std::int32_t stop_nano = 0;
  std::uint64_t records_min = 10'000;
  std::int64_t window_ms = minute_ms;
};

/// Where a group without offsets begins: earliest, latest, or the first record at or after an instant.
enum class start_place : std::uint8_t { earliest, latest, time };

struct start_rule {
  start_place where = start_place::earliest;
  /// REQUIRES: start_place::time.
  time_ms at = 0;
};

} // namespace fairuse
