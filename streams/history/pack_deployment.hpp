// SPDX-License-Identifier: Apache-2.0
//
// Packs a history from what a deployment has kept: the store of local mode, or a capture of Kafka mode.
// Threads: one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "streams/history/pack_files.hpp"
#include "streams/history/source_hooks.hpp"

namespace fairuse::history {

struct pack_deployment_wish {
  /// The folder of a local store, or the file of a capture.
  std::filesystem::path from;
  std::filesystem::path to;
  bool replace = false;
  /// A CSV with the columns uid and label; empty: none.
  std::string labels;
  /// As in pack_options.
  std::string pseudonym_key;
  /// Version of the program.
  std::string program;
  source_hooks reading;
  /// Called now and then: users and events written so far.
  std::function<void(std::uint64_t users, std::uint64_t events)> writing;
};

/// The file begins as a capture does.
bool looks_like_capture(const std::filesystem::path& file);

/// On an error nothing is left but what was there before.
result<packed_history, file_failure> pack_deployment(const pack_deployment_wish& wish);

} // namespace fairuse::history
