// SPDX-License-Identifier: Apache-2.0
//
// The topics when every engine has ended: committed records only, whole, in memory. On librdkafka directly, so that a
// mistake of the engine's adapter is found. Threads: one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "streams/kafka/broker/cluster.hpp"

namespace fairuse::torture {

struct stored_record {
  std::int64_t offset = 0;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;

  /// Value of the last header of that name; empty if there is none.
  std::string header(std::string_view name) const;
};

/// One partition. `end`: where a reader of committed records stands; `high`: the log's end.
struct stored_log {
  std::vector<stored_record> records;
  std::int64_t end = 0;
  std::int64_t high = 0;
};

/// A call failed for good: ends the judge.
[[noreturn]] void give_up(const std::string& what);

class topics {
public:
  explicit topics(std::string bootstrap);
  ~topics();
  topics(const topics&) = delete;
  topics& operator=(const topics&) = delete;

  /// All partitions of a topic.
  std::vector<stored_log> read(const std::string& topic);
  kafka::committed_offset committed(const std::string& group, const std::string& topic, std::int32_t partition);
  std::string cluster_id();

private:
  struct parts;
  std::string bootstrap_;
  std::unique_ptr<parts> parts_;
};

} // namespace fairuse::torture
