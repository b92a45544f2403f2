// SPDX-License-Identifier: Apache-2.0
//
// A folder for one test, and lines as producers write them.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <unistd.h>

#include "events/time_text.hpp"

namespace fairuse {

class scratch_folder {
public:
  scratch_folder() {
    auto name = (std::filesystem::temp_directory_path() / "fairuse-test-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~scratch_folder() { std::filesystem::remove_all(path_); }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;

  std::string file(std::string_view name) const { return (path_ / name).string(); }
  std::string write(std::string_view name, std::string_view text, bool append = false) const {
    std::ofstream out{file(name), append ? std::ios::app | std::ios::binary : std::ios::binary};
    out << text;
    return file(name);
  }

private:
  std::filesystem::path path_;
};

inline constexpr time_ms test_start = 1'700'000'000'000;

/// A line with its newline.
inline std::string wire_line(std::string_view type, std::string_view subject, int id, time_ms instant,
                             std::string_view data) {
  return R"({"specversion":"1.0","id":")" + std::to_string(id) + R"(","source":"test","type":"fairuse.)"
         + std::string{type} + R"(.v1","subject":")" + std::string{subject} + R"(","time":")"
         + to_time_text(test_start + instant) + R"(","data":)" + std::string{data} + "}\n";
}

inline std::string speech_line(std::string_view subject, int id, time_ms instant) {
  return wire_line("speech", subject, id, instant, R"({"lane":"realtime","ms":1000})");
}

inline std::string account_line(std::string_view subject, int id, time_ms instant) {
  return wire_line("account", subject, id, instant, R"({"plan":"unlimited"})");
}

} // namespace fairuse
