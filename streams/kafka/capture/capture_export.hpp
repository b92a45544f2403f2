// SPDX-License-Identifier: Apache-2.0
//
// From topics to a capture, or to a checkpoint that a later capture begins with. Reads what is committed, up to the
// last epoch that the journal holds when it begins; engines may run meanwhile.
// Threads: one; waits for brokers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "streams/kafka/broker/cluster.hpp"
#include "streams/kafka/capture/capture_file.hpp"

namespace fairuse::kafka {

struct export_wish {
  std::string app;
  std::string cluster;
  std::string program;
  time_ms made_at = 0;
  topic_names outputs;
  std::int32_t partitions = 0;
  /// Replace a file of that name.
  bool replace = false;
  /// How long nothing may come from a topic that has not ended.
  milliseconds patience{60'000};
  /// Begin behind the states of this checkpoint instead of with epoch 0.
  const capture_reader* from = nullptr;
  /// Records read so far, and what is read.
  std::function<void(std::uint64_t records, const std::string& topic, std::int32_t partition)> progress;
};

enum class export_status : std::uint8_t {
  done,
  lost,    ///< retention has deleted what a replay needs
  refused, ///< the file is there, or the checkpoint is of something else
  failed,  ///< a broker or the disk
};

struct export_result {
  export_status what = export_status::done;
  /// For people; empty if done.
  std::string message;
  /// Without sections.
  std::vector<captured_partition> per_partition;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
};

export_result export_capture(cluster& brokers, const export_wish& wish, const std::filesystem::path& file);
/// The state of every partition as of its last committed epoch.
export_result export_checkpoint(cluster& brokers, const export_wish& wish, const std::filesystem::path& file);

} // namespace fairuse::kafka
