// SPDX-License-Identifier: Apache-2.0
//
// A file of lines that only grows, made durable in steps: `sent.ndjson` and `dead.ndjson` of local mode. At a size it
// gets the instant into its name and a new one begins; those that are older than is kept go.
//
// A line that a crash left unfinished was never made durable; open() takes it away.
// Threads: one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/pure/result.hpp"
#include "events/event.hpp"

namespace fairuse {

class notice_log {
public:
  /// `file`: `name.ndjson` in a folder that exists. Files keep `kept_ms` after their last line.
  static result<notice_log> open(std::filesystem::path file, std::int64_t kept_ms,
                                 std::uint64_t bytes_max = 64U << 20U);
  /// What was begun before `file` and has the instant of its end in its name, oldest first.
  static std::vector<std::filesystem::path> ended_files_of(const std::filesystem::path& file);
  ~notice_log();
  notice_log(notice_log&& other) noexcept;
  notice_log& operator=(notice_log&& other) = delete;

  /// All lines, oldest first, without their line ends.
  result<void> read(const std::function<void(std::string_view)>& visit) const;
  /// One line, without its line end.
  void add(std::string_view line);
  /// What was added is on the disk.
  result<void> save(time_ms now);

private:
  notice_log(std::filesystem::path file, std::int64_t kept_ms, std::uint64_t bytes_max, int handle,
             std::uint64_t bytes);
  result<void> begin_anew(time_ms now);

  std::filesystem::path file_;
  std::int64_t kept_ms_;
  std::uint64_t bytes_max_;
  int handle_;
  std::uint64_t bytes_;
  std::string added_;
};

} // namespace fairuse
