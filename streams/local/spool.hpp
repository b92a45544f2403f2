// SPDX-License-Identifier: Apache-2.0
//
// The second input of local mode: a folder below the state folder, into which other processes (a reviewer) put events
// while the engine reads its file or pipe, or does not run. One file is one delivery of whole lines; it appears under
// its name at once and never changes. Files are read in the order of their names.
//
// A commit remembers how far each file was read, so that a restart goes on there; a file goes when a commit that has
// all of its lines is on the disk.
// Threads: of `spool` one; any process may put.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/pure/result.hpp"
#include "streams/local/input_batch.hpp"

namespace fairuse {

/// The spool of a state folder.
std::filesystem::path spool_folder(const std::filesystem::path& state);

/// Where store_meta::settings has positions().
inline constexpr const char* spool_setting = "spool";

/// A file of the spool may have so many bytes.
inline constexpr std::size_t spool_file_bytes_max = std::size_t{16} << 20;

/// Deliver whole lines: they are on the disk, under `name`, when this returns. A delivery of the same name that waits
/// is replaced. REQUIRES: at most spool_file_bytes_max; `name` is of [a-zA-Z0-9._-], sorts behind what it follows, and
/// is never used for other lines.
result<void> put_in_spool(const std::filesystem::path& state, std::string_view name, std::string_view lines);

class spool {
public:
  /// `remembered`: positions() as of the last commit. `notice`: for people.
  spool(const std::filesystem::path& state, std::string_view remembered,
        std::function<void(const std::string&)> notice);

  /// What has come since: a batch of each file, without the lines that a commit has. Bounded: see has_more().
  std::vector<std::unique_ptr<input_batch>> take();
  /// The last take() left files for the next.
  bool has_more() const { return has_more_; }

  /// The open commit has the lines of `batch` before `end`. REQUIRES: the batch is the spool's.
  void joined(const input_batch& batch, std::uint32_t end);
  /// How far the files were read, for the open commit to remember; empty: no file is there.
  std::string positions() const;
  /// The open commit was handed over, and the one before it is on the disk.
  void turn();
  /// Every commit that was handed over is on the disk.
  void settle();

private:
  /// Lines of a file that commits have, and whether these are all.
  struct reading {
    std::uint64_t lines = 0;
    bool whole = false;
    /// A commit that has all of it was handed over.
    bool handed = false;
    bool taken = false;
  };

  std::unique_ptr<input_batch> read(const std::string& name, std::uint64_t from);

  std::filesystem::path folder_;
  std::function<void(const std::string&)> notice_;
  wire_decoder decoder_;
  std::map<std::string, reading> files_;
  bool has_more_ = false;
};

} // namespace fairuse
