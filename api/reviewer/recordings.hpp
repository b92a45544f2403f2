// SPDX-License-Identifier: Apache-2.0
//
// Requests and answers kept in a folder, one file each, and read from there instead of a call. They hold conversations:
// personal data. A file's name is recording_name() of its request.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/pure/result.hpp"

namespace fairuse {

/// Makes the folder, for its owner alone, if it is not there. An error: nothing can be written in it.
result<void> make_recordings(const std::filesystem::path& folder);

struct recorded_answer {
  std::string text;
  /// Of the call.
  std::int64_t took_ms = 0;
};

/// {"request": the body, "answer": the model's, "took_ms": ...}: texts, so that the file keeps their bytes.
result<void> write_recording(const std::filesystem::path& folder, const std::string& name, const std::string& request,
                             const recorded_answer& answer);

/// The answer; nullopt: there is none. An error: a file that is no recording.
result<std::optional<recorded_answer>> read_recording(const std::filesystem::path& folder, const std::string& name);

} // namespace fairuse
