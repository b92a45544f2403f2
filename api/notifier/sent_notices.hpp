// SPDX-License-Identifier: Apache-2.0
//
// What users were told last, from the notifier's log: `sent.ndjson` in local mode, the topic of ends on Kafka. For
// those who look beside the notifier; it need not run. Threads: made and destroyed on one; of() from any. One of its
// own reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/pure/log_level.hpp"
#include "config/message_texts.hpp"
#include "events/event.hpp"
#include "streams/kafka/broker/cluster.hpp"

namespace fairuse {

struct sent_notice {
  notice_about about = notice_about::stage;
  /// none: it was about no stage.
  stage at = stage::none;
  time_ms sent_at = 0;
};

class sent_notices {
public:
  static constexpr std::size_t kept_per_user = 10;

  /// Local mode. The folder need not exist.
  explicit sent_notices(std::filesystem::path state);
  /// REQUIRES: the brokers outlive it.
  sent_notices(kafka::cluster& brokers, std::string ends_topic, std::function<void(log_level, const std::string&)> log);

  /// Those that were delivered, oldest first.
  std::vector<sent_notice> of(const std::string& uid) const;

private:
  void take(std::string_view line);
  void read_files(const std::filesystem::path& folder);
  void read_file_from(const std::filesystem::path& file, std::uint64_t offset);
  void follow_files(const std::filesystem::path& folder, const std::stop_token& stop);
  void follow_topic(kafka::cluster& brokers, const std::string& topic,
                    const std::function<void(log_level, const std::string&)>& log, const std::stop_token& stop);

  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::deque<sent_notice>> users_;
  /// Of the own thread: how far which file was read.
  std::uint64_t inode_ = 0;
  std::uint64_t offset_ = 0;
  // Stops and joins.
  std::jthread thread_;
};

} // namespace fairuse
