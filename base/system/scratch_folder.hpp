// SPDX-License-Identifier: Apache-2.0
//
// A folder under a name that is not taken, removed with its owner. Threads: one.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

namespace fairuse {

class scratch_folder {
public:
  /// `below`: an existing folder; empty: none is made.
  scratch_folder(const std::filesystem::path& below, std::string_view name) {
    auto pattern = (below / name).string() + "-XXXXXX";
    if (not below.empty() and ::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~scratch_folder() {
    std::error_code ignored;
    if (not path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  /// Empty: it could not be made.
  const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

} // namespace fairuse
