// SPDX-License-Identifier: Apache-2.0
//
// A capture: one file with all that is needed to make a deployment's outputs again, and those that production wrote.
// docs/capture.md is for its users. Bytes:
//
//   magic (8), version (4)
//   frames: length (4), zstd with its checksum over length-delimited messages of one section
//   the last frame is the contents: parts, sections, and where the frames of each section begin
//   place of the last frame (8), SHA-256 over everything before (32)
//
// Numbers are big-endian. INVARIANT: a reader gives nothing of a file whose digest differs; any other fault is an
// error, never a crash.
// Threads: one per object.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/system/random_access.hpp"
#include "events/event.hpp"
#include "events/topics.hpp"
#include "storage/store_error.hpp"

namespace fairuse::kafka {

/// What a capture begins with.
inline constexpr std::string_view capture_begin{"FAIRUSE\x1a", 8};

struct captured_record {
  std::int64_t offset = 0;
  time_ms timestamp = 0;
  /// Nullopt: null.
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
  friend bool operator==(const captured_record&, const captured_record&) = default;
};

enum class section_kind : std::uint8_t { policies = 1, journal, input, output, state };

struct capture_section {
  std::int32_t partition = 0;
  section_kind kind = section_kind::journal;
  std::string topic;
  std::uint64_t records = 0;
  /// Uncompressed.
  std::uint64_t bytes = 0;
  std::vector<std::uint64_t> frames;
  /// First offset of the topic when it was read.
  std::int64_t low = 0;
};

struct captured_partition {
  std::int32_t partition = 0;
  std::uint64_t first_epoch = 0;
  std::uint64_t epochs = 0;
  time_ms first_now = 0;
  time_ms last_now = 0;
  /// Not from epoch 0: encoded partition_meta, and an epoch_record with nothing but a setup.
  std::string state_meta;
  std::string state_setup;
};

struct capture_contents {
  std::string program;
  time_ms made_at = 0;
  std::string app;
  std::string cluster;
  std::int32_t partitions = 0;
  topic_names outputs;
  std::vector<captured_partition> per_partition;
  std::vector<capture_section> sections;
  /// States and no epochs.
  bool is_checkpoint = false;

  /// Nullptr: there is none.
  const capture_section* find(std::int32_t partition, section_kind kind, std::string_view topic = {}) const;
};

class capture_writer {
public:
  /// Writes FILE.part. Error (misuse): the file is there and `replace` is false.
  static result<std::unique_ptr<capture_writer>, store_error> create(const std::filesystem::path& file, bool replace);
  /// Without finish() nothing is left.
  ~capture_writer();
  capture_writer(const capture_writer&) = delete;
  capture_writer& operator=(const capture_writer&) = delete;

  /// Number of a new section; records, bytes and frames are counted here.
  std::size_t begin_section(capture_section what);
  void add(std::size_t section, const captured_record& what);
  /// Bytes written so far.
  std::uint64_t size() const;
  /// Not ok: the disk failed, and finish() will fail, too.
  result<void, store_error> failure() const;
  /// Synced and renamed to its name. `all.sections` is filled in here.
  result<void, store_error> finish(capture_contents all);

private:
  struct body;
  explicit capture_writer(std::unique_ptr<body> all);
  std::unique_ptr<body> body_;
};

class capture_reader;

/// The records of one section in their order. REQUIRES: destroyed before its reader.
class capture_cursor {
public:
  /// False: there is no further one, or failure().
  bool next(captured_record& out);
  const result<void, store_error>& failure() const { return failure_; }

private:
  friend class capture_reader;
  capture_cursor(const capture_reader& from, const capture_section& of) : from_(&from), of_(&of) {}
  bool open_frame();

  const capture_reader* from_;
  const capture_section* of_;
  std::size_t next_frame_ = 0;
  std::uint64_t given_ = 0;
  std::string frame_;
  std::size_t at_ = 0;
  result<void, store_error> failure_;
};

class capture_reader {
public:
  /// Bytes of the digest's pass that are done.
  using digest_progress = std::function<void(std::uint64_t done)>;

  /// Reads all of it once, for its digest. Errors: io, damaged, newer.
  static result<std::unique_ptr<capture_reader>, store_error> open(const std::filesystem::path& file,
                                                                   const digest_progress& progress);
  /// Of bytes somewhere else; `check_digest` off: for a fuzzer, which would never get past it.
  static result<std::unique_ptr<capture_reader>, store_error> read(random_access from, std::uint64_t size,
                                                                   const digest_progress& progress,
                                                                   bool check_digest = true);

  const capture_contents& contents() const { return contents_; }
  std::uint64_t size() const { return size_; }
  /// `of`: of contents().
  capture_cursor records(const capture_section& of) const { return {*this, of}; }

private:
  friend class capture_cursor;
  capture_reader() = default;
  result<void, store_error> read_frame(std::uint64_t at, std::string& out) const;
  result<void, store_error> check_digest(const digest_progress& progress) const;
  result<void, store_error> read_contents();

  random_access from_;
  std::uint64_t size_ = 0;
  std::uint64_t contents_at_ = 0;
  capture_contents contents_;
};

} // namespace fairuse::kafka
