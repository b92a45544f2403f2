// SPDX-License-Identifier: Apache-2.0
#include "api/identity/watched_file.hpp"

#include <sys/stat.h>

#include "base/system/files.hpp"

namespace fairuse {

namespace {

constexpr std::int64_t small_file_bytes_max = 1 << 20;

std::int64_t nanoseconds(const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

} // namespace

std::optional<file_stamp> stamp_of(const std::filesystem::path& file) {
  struct stat what {};
  if (::stat(file.c_str(), &what) != 0) return std::nullopt;
  return file_stamp{what.st_ino, what.st_size, nanoseconds(what.st_mtim), nanoseconds(what.st_ctim)};
}

result<std::string> read_small_file(const std::filesystem::path& file) {
  struct stat what {};
  if (::stat(file.c_str(), &what) == 0) {
    if (not S_ISREG(what.st_mode)) return error{file.string() + ": is no file"};
    if (what.st_size > small_file_bytes_max) return error{file.string() + ": is larger than 1 MiB"};
  }
  return read_file(file);
}

} // namespace fairuse
