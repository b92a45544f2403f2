// SPDX-License-Identifier: Apache-2.0
//
// Packs a history from files: NDJSON CloudEvents, what `kcat -C -J` prints, and CSV, each known by its first line that
// is not empty. Without arrivals an event's `now` is its instant, and its epoch 0. With them (each event of all files
// is a record with `tstype` logappend) its `now` is the latest `ts` of its partition so far, and its epoch that number.
// Where offsets go back, as in dumps that overlap, that count begins again.
// Threads: one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/pure/result.hpp"
#include "events/refusal.hpp"
#include "storage/history/history_file.hpp"
#include "streams/history/csv_events.hpp"
#include "streams/history/packer.hpp"

namespace fairuse::history {

struct pack_files_wish {
  /// `-` is standard input.
  std::vector<std::string> files;
  csv_options csv;
  /// A CSV with the columns uid and label; empty: none.
  std::string labels;
  /// As in pack_options.
  std::string pseudonym_key;
  std::filesystem::path to;
  bool replace = false;
  /// As the history names it.
  std::string program;
  std::size_t memory_bytes = pack_options{}.memory_bytes;
  std::uint64_t block_events = pack_options{}.block_events;
  /// Called often: bytes and rows read so far.
  std::function<void(std::uint64_t bytes, std::uint64_t rows)> reading;
  /// Called now and then: users and events written so far.
  std::function<void(std::uint64_t users, std::uint64_t events)> writing;
  /// True: end with file_fault::stopped, and leave nothing.
  std::function<bool()> stopped;
};

/// The first line that was refused for a reason.
struct first_refusal {
  refusal why = refusal::not_json;
  /// `FILE:LINE`.
  std::string where;
  /// What is wrong and what to do about it.
  std::string says;
};

/// What was read.
struct files_read {
  std::uint64_t bytes = 0;
  std::uint64_t lines = 0;
  bool arrivals_known = false;
  std::uint32_t kinds = 0;
  /// Decisions of this engine among the records: requests and time-outs of reviews were taken, the others not.
  std::uint64_t review_decisions = 0;
  std::uint64_t other_decisions = 0;
  std::vector<first_refusal> refusals;
  bool has_csv = false;
  /// Files without any line.
  std::vector<std::string> empty_files;
  std::uint64_t labels = 0;
};

struct packed_history {
  /// `blocks` is empty.
  history_contents contents;
  files_read read;
  std::uint64_t labelled_users = 0;
  std::uint64_t bytes = 0;
};

enum class file_fault : std::uint8_t {
  unusable, ///< what was given cannot be used: wrong files, columns or labels, or the output is there
  failed,   ///< the disk
  stopped,
};

struct file_failure {
  file_fault fault = file_fault::failed;
  std::string message;
};

/// Why a history was not written, for a person.
file_failure cannot_pack(const store_error& why);

/// On an error nothing is left but what was there before.
result<packed_history, file_failure> pack_files(const pack_files_wish& wish);

} // namespace fairuse::history
