// SPDX-License-Identifier: Apache-2.0
//
// Reads `fairuse.enforcement.v1` from its beginning, in the order of each partition, up to what is committed.
// Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/topic_reader.hpp"
#include "streams/enforcement_row.hpp"
#include "streams/kafka/broker/cluster.hpp"

namespace fairuse {

/// The user was erased in that epoch.
struct forgotten_row {
  std::uint64_t epoch = 0;
};

/// What one record says.
struct enforcement_record {
  /// `*`: of everybody.
  std::string_view uid;
  std::variant<enforcement_row, controls_row, forgotten_row> says;
};

/// Nullopt: it is no record of this topic.
std::optional<enforcement_record> enforcement_record_from(const kafka::record& what,
                                                          const std::vector<kafka::header>& headers);

class enforcement_log {
public:
  using take = std::function<void(const enforcement_record&)>;

  enforcement_log(kafka::cluster& brokers, std::string topic) : reader_{brokers, std::move(topic)} {}

  // As those of topic_reader.

  void follow(const std::vector<std::int32_t>& partitions) { reader_.follow(partitions); }
  kafka::call_result<> follow_all() { return reader_.follow_all(); }
  kafka::call_result<bool> read_all(kafka::milliseconds wait, const take& told);
  kafka::call_result<> read_some(kafka::milliseconds wait, const take& told);

private:
  topic_reader reader_;
};

} // namespace fairuse
