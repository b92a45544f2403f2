// SPDX-License-Identifier: Apache-2.0
//
// A second user who gets the accepted events of a scenario in runs that are cut anywhere. It must be decided as the one
// who gets them one by one.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/rules.hpp"

namespace fairuse::model {

class run_follower final : conversation_source {
public:
  /// An event that was accepted at `now`, under the controls of the last call of use().
  void add(time_ms now, const event& what);
  /// From here on; REQUIRES: the set of policies stays.
  void use(const controls& in_force);
  /// Fire what is due.
  void advance_to(time_ms now);
  /// Empty if nothing differs from the user who got the events one by one.
  std::string difference(const step_output& expected);

private:
  conversation_outline outline(std::size_t place) const override {
    const auto& fact = detail_of<conversation_fact>(conversations_[place]);
    return {fact.conversation, fact.category, fact.duration_ms};
  }
  event conversation(std::size_t place, event) const override { return conversations_[place]; }
  void take();

  user who_;
  step_output out_;
  controls in_force_;
  std::vector<time_ms> now_, instant_;
  std::vector<std::int32_t> ms_;
  std::vector<run_tag> tags_;
  std::vector<std::uint64_t> keys_;
  /// Ids by how a run names events: by their keys.
  std::map<std::string, std::string> ids_;
  std::vector<event> whole_;
  std::vector<event> conversations_;
  event_columns run_;
  std::size_t taken_ = 0;
  std::size_t next_cut_ = 1;
  std::uint32_t draws_ = 1;
  bool has_whole_talks_ = false;
};

} // namespace fairuse::model
