// SPDX-License-Identifier: Apache-2.0
//
// Takes records out of one librdkafka consumer and hands out only what was asked for: after start(from) nothing below
// an asked offset, nothing of another partition, nothing that was fetched before, and never an offset twice.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "streams/kafka/broker/client.hpp"

namespace fairuse::kafka {

class fetcher {
public:
  /// Receives librdkafka's errors about partitions.
  class problems {
  public:
    virtual ~problems() = default;
    virtual void cannot_fetch(const rd_kafka_message_t& error) = 0;
    /// True: the assignment of the taken records is over.
    virtual bool is_over() const = 0;
  };

  struct assigned_partition {
    topic_partition of;
    /// No record below it is handed out any more.
    std::int64_t next = 0;
    /// Last stable offset of the last statistics; -1: not known.
    std::int64_t stable = -1;
  };

  fetcher() = default;
  fetcher(rd_kafka_t* handle, problems& told);

  /// Fetch exactly these from exactly these offsets.
  call_result<> start(std::span<const position> from);
  /// The assignment is over: hand out nothing any more.
  void forget();
  /// Waits until there is something, at most `wait`.
  std::unique_ptr<record_batch> take(milliseconds wait);

  assigned_partition* find(std::string_view topic, std::int32_t partition);
  const assigned_partition* find(const topic_partition& of) const;

private:
  std::size_t fill(milliseconds wait);
  void drain();
  std::unique_ptr<record_batch> sort_out(std::span<rd_kafka_message_t*> taken);

  rd_kafka_t* handle_ = nullptr;
  problems* told_ = nullptr;
  owned<rd_kafka_queue_t> queue_;
  std::vector<rd_kafka_message_t*> raw_;
  /// Few, and neighbours in a batch are of one partition.
  std::vector<assigned_partition> assigned_;
};

} // namespace fairuse::kafka
