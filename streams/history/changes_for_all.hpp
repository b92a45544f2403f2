// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to streams/history. What changes for all users of a partition at once: commands to all of them, and runs
// that begin under other controls. In the order in which they took effect.
// Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "core/permanent_ids.hpp"
#include "events/event.hpp"
#include "storage/history/history_file.hpp"
#include "streams/history/packer.hpp"

namespace fairuse::history {

struct change_for_all {
  std::int32_t partition = 0;
  std::uint64_t epoch = 0;
  time_ms now = 0;
  /// As block_builder::add_broadcast has it.
  std::uint32_t number = 0;
  /// It comes before all events of its epoch.
  bool is_run = false;
  /// Of a command.
  event what;
};

class changes_for_all {
public:
  /// A command; `refused`: its id is noted.
  void add(const incoming_event& command);
  /// The partition has had a command with that id before.
  void know(std::int32_t partition, const permanent_id& id) { note_permanent_id(known_[partition], id); }
  /// No more come. The first command of an id takes effect, in each partition: those are put into `all.broadcasts`, and
  /// `all.runs` into their order. Returns how many were duplicates.
  std::uint64_t finish(history_contents& all);
  /// REQUIRES: finish().
  std::span<const change_for_all> of(std::int32_t partition) const;
  /// Does a command of that epoch promote a policy? REQUIRES: finish().
  bool promotes_in(std::int32_t partition, std::uint64_t epoch) const {
    return promotions_.contains({partition, epoch});
  }

private:
  struct given_command {
    change_for_all as;
    time_ms previous_now = INT64_MIN;
    bool refused = false;
  };
  event_arena texts_;
  std::vector<given_command> commands_;
  std::map<std::int32_t, std::vector<permanent_id>> known_;
  std::vector<change_for_all> ordered_;
  /// Partition and epoch.
  std::set<std::pair<std::int32_t, std::uint64_t>> promotions_;
};

} // namespace fairuse::history
