// SPDX-License-Identifier: Apache-2.0
//
// A folder for one test, removed after it.
#pragma once

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string_view>

#include "base/system/scratch_folder.hpp"

namespace fairuse {

class test_folder {
public:
  test_folder() : scratch_{std::filesystem::temp_directory_path(), "fairuse-test"} {
    if (path().empty()) throw std::runtime_error("cannot make a folder for a test");
  }

  const std::filesystem::path& path() const { return scratch_.path(); }
  std::filesystem::path file(std::string_view name) const { return path() / name; }
  std::filesystem::path write(std::string_view name, std::string_view text, bool append = false) const {
    std::ofstream{file(name), append ? std::ios::app | std::ios::binary : std::ios::binary} << text;
    return file(name);
  }

private:
  scratch_folder scratch_;
};

} // namespace fairuse
