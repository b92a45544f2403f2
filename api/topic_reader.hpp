// SPDX-License-Identifier: Apache-2.0
//
// Reads partitions of a topic from their beginning, in the order of each, up to what is committed.
// Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "streams/kafka/broker/cluster.hpp"

namespace fairuse {

class topic_reader {
public:
  using take = std::function<void(const kafka::record&, const std::vector<kafka::header>&)>;

  topic_reader(kafka::cluster& brokers, std::string topic) : brokers_{brokers}, topic_{std::move(topic)} {}

  const std::string& topic() const { return topic_; }
  /// These partitions, from their beginning.
  void follow(const std::vector<std::int32_t>& partitions);
  /// All partitions that the topic has; an error if it is not there.
  kafka::call_result<> follow_all();
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
