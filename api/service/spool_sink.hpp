// SPDX-License-Identifier: Apache-2.0
//
// Local mode: events become deliveries to the second input (streams/local/spool.hpp). What came while one was written
// is in the next, so a disk that needs long to be sure writes larger ones.
// Threads: put() from any; one of its own writes.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "api/service/event_sink.hpp"

namespace fairuse {

class spool_sink final : public event_sink {
public:
  explicit spool_sink(std::filesystem::path state);
  /// What was put is written, and told.
  ~spool_sink() override;

  bool put(std::vector<incoming_event> events, std::string traceparent, take_result told) override;

private:
  struct delivery {
    std::string lines;
    std::vector<take_result> told;
  };

  void write_all();
  void write(const delivery& what);

  const std::filesystem::path state_;
  std::uint64_t deliveries_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  delivery next_;
  bool stops_ = false;
  std::thread thread_;
};

} // namespace fairuse
