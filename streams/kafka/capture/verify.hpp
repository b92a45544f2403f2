// SPDX-License-Identifier: Apache-2.0
//
// Do the journal and the inputs of a capture lead to its outputs? Every epoch is made again by a partition_replay, and
// every record that comes out is compared with what production wrote: key, headers, value, order, and the digest that
// the journal keeps of them, which also covers what compaction and retention took from the topics. The rows of the
// changelog are not compared: when an old hour of usage is deleted depends on which users were in memory.
// Threads: the call takes some of its own; what is found does not depend on how many.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "streams/kafka/capture/capture_file.hpp"
#include "streams/kafka/capture/replay.hpp"

namespace fairuse::kafka {

enum class verify_outcome : std::uint8_t {
  equal,
  differs,
  lost,    ///< records that an epoch took are not in the capture
  refused, ///< the case key is another one, or other rules decided
  damaged,
  failed, ///< the disk of this machine
};

std::string_view to_text(verify_outcome value);

struct verify_counts {
  std::uint64_t partitions = 0;
  std::uint64_t epochs = 0;
  /// Input records.
  std::uint64_t records = 0;
  /// Output records made, and those among them that were compared byte for byte; the topics no longer have the others.
  std::uint64_t outputs = 0;
  std::uint64_t compared = 0;
  std::uint64_t dead_letters = 0;
  std::uint64_t policies = 0;

  verify_counts& operator+=(const verify_counts& other);
};

/// The first difference between production and the replay in a partition.
struct first_difference {
  std::int32_t partition = 0;
  std::uint64_t epoch = 0;
  /// Empty: the journal itself.
  std::string topic;
  /// Of the record in its topic, among those captured; its offset there, -1: none.
  std::uint64_t number = 0;
  std::int64_t offset = -1;
  /// key, value, header NAME, missing, extra, or what of the journal.
  std::string what;
  /// First byte that differs, of what differs.
  std::uint64_t byte = 0;
  /// Around that byte.
  std::string captured;
  std::string replayed;
};

struct verify_result {
  verify_outcome what = verify_outcome::equal;
  /// For people; empty if equal.
  std::string message;
  std::optional<first_difference> where;
  /// What was tried up to there.
  verify_counts counts;
};

struct verify_wish {
  /// Without folder and policies. Its functions are called by several threads.
  replay_tools with;
  /// Stores stand below it.
  std::filesystem::path scratch;
  /// Threads: each takes one partition at a time. At least one.
  unsigned workers = 1;
  /// Gets the epochs done and the records; one call at a time.
  std::function<void(std::uint64_t epochs, std::uint64_t records)> progress;
};

verify_result verify(const capture_reader& capture, const verify_wish& wish);

} // namespace fairuse::kafka
