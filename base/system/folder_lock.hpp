// SPDX-License-Identifier: Apache-2.0
//
// A folder of one process at a time. The lock ends with the process, however that ends.
// Threads: one.
#pragma once

#include <filesystem>
#include <utility>

#include "base/pure/result.hpp"

namespace fairuse {

class folder_lock {
public:
  /// Makes the folder if it is not there. An error: another process has it (cause: device_or_resource_busy) and keeps
  /// it for longer than a look takes, or it cannot be made. A file system may have no locks of folders; then nobody is
  /// kept out.
  static result<folder_lock> take(const std::filesystem::path& folder);
  ~folder_lock();
  folder_lock(folder_lock&& other) noexcept : handle_{std::exchange(other.handle_, -1)} {}
  folder_lock& operator=(folder_lock&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }

private:
  explicit folder_lock(int handle) : handle_{handle} {}
  int handle_ = -1;
};

} // namespace fairuse
