// SPDX-License-Identifier: Apache-2.0
//
// Files, read or replaced whole. An error names the file and the system's reason.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "base/pure/result.hpp"

namespace fairuse {

/// What has to be true of a new content once it is there.
enum class durability : std::uint8_t {
  durable, ///< it is on the disk, and stays after a power failure
  status,  ///< it is written again soon: the system may take its time
};

/// The bytes of a file, block by block.
result<void> read_blocks(const std::filesystem::path& file, const std::function<void(std::string_view)>& visit);

/// All bytes of a file.
result<std::string> read_file(const std::filesystem::path& file);

/// All bytes of what is a file itself. A link, a pipe or a device is refused, and not waited for.
result<std::string> read_plain_file(const std::filesystem::path& file);

/// A new content of a file while it is written, beside it under another name. commit() replaces the file, so a reader
/// sees the old content or the new one, whatever fails; without commit() the file stays as it is. A link's target is
/// replaced, not the link; what is no file, such as /dev/null or a pipe, is written as it is. Threads: one.
class file_replacement {
public:
  /// Open `file` + `suffix` for writing, as a new file: what a crash left there is removed. Error: another process is
  /// writing it.
  static result<file_replacement> open(std::filesystem::path file, std::string_view suffix = ".new",
                                       mode_t mode = 0666);
  /// Removes what was written, unless it was committed.
  ~file_replacement();
  file_replacement(file_replacement&& other) noexcept;
  file_replacement& operator=(file_replacement&& other) = delete;
  result<void> write(std::string_view bytes);
  /// Put it in the file's place; durable: on the disk. REQUIRES: the last call.
  result<void> commit(durability how = durability::durable);

private:
  file_replacement(std::filesystem::path file, std::filesystem::path fresh, int handle);

  std::filesystem::path file_;
  /// `file_`: it is written as it is.
  std::filesystem::path fresh_;
  /// -1: nothing is left to remove.
  int handle_;
};

/// Error: `to` is one of the files to read, and writing it would replace that.
result<void> check_apart(const std::filesystem::path& to, std::span<const std::filesystem::path> read);

/// Error: a file of 64 KiB cannot be written in this folder, which is made if it is not there. The file is removed.
result<void> check_writable(const std::filesystem::path& folder);

/// A name is on the disk only when its folder is.
result<void> sync_folder_of(const std::filesystem::path& file);

/// Give a synced file its name, in the place of one that is there, and have that on the disk.
result<void> rename_durably(const std::filesystem::path& from, const std::filesystem::path& to);

/// Give `file` this content, or leave it as it is.
result<void> replace_file(const std::filesystem::path& file, std::string_view bytes,
                          durability how = durability::durable);

} // namespace fairuse
