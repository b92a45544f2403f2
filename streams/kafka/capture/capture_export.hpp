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

#include "base/pure/result.hpp"
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

enum class export_fault : std::uint8_t {
  lost,    ///< retention has deleted what a replay needs
  refused, ///< the file is there, or the checkpoint is of something else
  failed,  ///< a broker or the disk
};

/// Why there is no file.
struct export_error {
  export_fault fault = export_fault::failed;
  /// For people.
  std::string message;
};
template <class T>
using export_result = result<T, export_error>;

struct export_report {
  /// Without sections.
  std::vector<captured_partition> per_partition;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
};

export_result<export_report> export_capture(cluster& brokers, const export_wish& wish,
                                            const std::filesystem::path& file);
/// The state of every partition as of its last committed epoch.
export_result<export_report> export_checkpoint(cluster& brokers, const export_wish& wish,
                                               const std::filesystem::path& file);

} // namespace fairuse::kafka
