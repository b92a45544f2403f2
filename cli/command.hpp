// SPDX-License-Identifier: Apache-2.0
//
// What a subcommand is. commands.hpp declares each of them, main.cpp has them in a table.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/pure/result.hpp"

// The library calls itself so.
namespace CLI { // NOLINT(readability-identifier-naming)
class App;
}

namespace fairuse::cli {

/// Exit codes of every subcommand; docs/operations.md has them in a table.
enum exit_code : int {
  exit_done = 0,
  exit_failed = 1,          ///< runtime failure: disk, broker, corruption
  exit_usage = 2,           ///< usage or invalid input, a file or folder that is not there included
  exit_differs = 3,         ///< decisions differ
  exit_guard = 4,           ///< a guard failed
  exit_too_little_data = 5, ///< not enough data to say
  exit_interrupted = 130,   ///< Ctrl-C
};

/// Why a command does not do what it was asked for.
struct command_error {
  int code = exit_failed;
  /// For people.
  std::string text;
};

/// command_result<int> is how a command ends: an exit code, or why it came to no end of its own.
template <class T = void>
using command_result = result<T, command_error>;

/// stdout is the result, stderr is progress and logs. `run` returns an exit code and throws nothing.
struct command {
  const char* name;
  /// One sentence, for the list of subcommands.
  const char* summary;
  /// Command lines as people type them, one a line; `--help` begins with them.
  const char* examples;
  /// Declare options on `app` and return what to do once they are parsed. The options' values are owned by what is
  /// returned (capture a shared_ptr).
  std::function<int()> (*declare)(CLI::App& app);
};

} // namespace fairuse::cli
