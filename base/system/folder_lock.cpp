// SPDX-License-Identifier: Apache-2.0

#include "base/system/folder_lock.hpp"

#include <cerrno>
#include <chrono>
#include <string>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace fairuse {

namespace {

/// Whoever looks whether a folder is in use has its lock for a moment.
constexpr int attempts = 50;
constexpr std::chrono::milliseconds wait{2};

} // namespace

result<folder_lock> folder_lock::take(const std::filesystem::path& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) return error{"cannot make the folder " + folder.string() + ": " + failed.message()};
  const int handle = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (int i = 0; i < attempts; ++i) {
    if (handle < 0 or ::flock(handle, LOCK_EX | LOCK_NB) == 0 or errno != EWOULDBLOCK) return folder_lock{handle};
    std::this_thread::sleep_for(wait);
  }
  ::close(handle);
  return error{"the folder " + folder.string() + " is in use by another process: stop that one first",
               std::errc::device_or_resource_busy};
}

folder_lock::~folder_lock() {
  if (handle_ >= 0) ::close(handle_);
}

} // namespace fairuse
