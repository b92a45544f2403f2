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
  bool is_current() const;
  /// It runs no more, and did not end in order; or it hangs.
  bool was_killed() const { return view_.running and not is_current(); }
  /// For people.
  std::string headline() const;

private:
  told_by_instance(instance_view view, std::int64_t age_ms) : view_(std::move(view)), age_ms_(age_ms) {}

  instance_view view_;
  std::int64_t age_ms_ = 0;
};

/// What a command wanted to read from a local store.
enum class wanted_from_store : std::uint8_t { decisions, dead_letters, user };

/// Why there is no local store to read in the folder: `why`, or that an instance on Kafka has its state there, and
/// which command prints what is wanted.
command_error no_local_store(const std::string& state_folder, const store_error& why, wanted_from_store wanted);

} // namespace fairuse::cli
