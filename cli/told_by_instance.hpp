// SPDX-License-Identifier: Apache-2.0
//
// What an instance of Kafka mode on this machine told of itself, and whether it still holds.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "cli/command.hpp"
#include "engine/instance_view.hpp"
#include "storage/store_error.hpp"

namespace fairuse::cli {

class told_by_instance {
public:
  /// From its state folder.
  static command_result<told_by_instance> read(const std::string& state_folder);

  const instance_view& view() const { return view_; }
  /// It runs, and told it just now.
  bool is_current() const { return how_ == state::runs; }
  /// It did not end in order, or it hangs.
  bool is_wrong() const { return how_ == state::gone or how_ == state::hangs; }
  /// For people.
  std::string headline() const;

private:
  enum class state : std::uint8_t {
    runs,
    ended, ///< in order
    gone,  ///< not in order: its lock of the folder ended with it
    hangs, ///< it has the folder and says nothing
  };

  told_by_instance(instance_view view, state how, std::int64_t age_ms)
    : view_(std::move(view)), how_(how), age_ms_(age_ms) {}
  static state state_of(const instance_view& view, bool has_process, std::int64_t age_ms);

  instance_view view_;
  state how_ = state::runs;
  std::int64_t age_ms_ = 0;
};

/// What a command wanted to read from a local store.
enum class wanted_from_store : std::uint8_t { decisions, dead_letters, user };

/// Why there is no local store to read in the folder: `why`, or that an instance on Kafka has its state there, and
/// which command prints what is wanted.
command_error no_local_store(const std::string& state_folder, const store_error& why, wanted_from_store wanted);

} // namespace fairuse::cli
