// SPDX-License-Identifier: Apache-2.0
//
// Reads `fairuse.enforcement.v1` from its beginning, in the order of each partition, up to what is committed.
// Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

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

  enforcement_log(kafka::cluster& brokers, std::string topic) : brokers_{brokers}, topic_{std::move(topic)} {}

  /// These partitions, from their beginning.
  void follow(const std::vector<std::int32_t>& partitions);
  /// Read all that is committed now. False: not yet, ask again; an error: a broker refuses.
  kafka::call_result<bool> read_all(kafka::milliseconds wait, const take& told);
  /// What comes within `wait`. REQUIRES: read_all() was true.
  kafka::call_result<> read_some(kafka::milliseconds wait, const take& told);

private:
  kafka::call_result<bool> find_ends(std::vector<kafka::position>& ends);
  /// False: nothing came.
  kafka::call_result<bool> read_batch(kafka::milliseconds wait, const take& told);

  kafka::cluster& brokers_;
  std::string topic_;
  std::unique_ptr<kafka::reader> reader_;
  std::vector<std::int32_t> partitions_;
  bool starts_ = false;
};

} // namespace fairuse
