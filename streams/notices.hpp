// SPDX-License-Identifier: Apache-2.0
//
// What the log says once about an input that is read on, in either mode. No text names a user, and none of it changes a
// decision. Threads: the driver's.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/system/time_zones.hpp"
#include "core/epoch.hpp"
#include "events/refusal.hpp"

namespace fairuse {

class notices {
public:
  /// `warn` takes a line of the log.
  explicit notices(std::function<void(const std::string&)> warn) : warn_{std::move(warn)} {}

  /// The state was written under another case key.
  void case_key_changed();
  /// So many commands came again under their id and said something else.
  void reused_ids(std::uint64_t count);
  /// Values in account events that are accepted and probably mistakes: every value is told once, the first few only.
  void accounts(std::span<const addressed_event> events, const policy_set& in_force);

private:
  void look_at_plan(const std::string& plan, const policy_set& in_force);
  void look_at_zone(const std::string& zone);
  /// `value`: in quotes; empty if it was told before, or enough others were.
  std::string quoted_once(std::set<std::string>& told, const std::string& value);

  std::function<void(const std::string&)> warn_;
  bool told_case_key_ = false;
  bool told_reused_ids_ = false;
  std::set<std::string> told_plans_;
  std::set<std::string> told_zones_;
  /// Read when the first account event names a zone.
  bool has_read_zones_ = false;
  std::optional<time_zone_names> zones_;
};

/// Of the first dead letter of a reason: where the input was, and a command that prints all of them. What is known of
/// the user (the strikes that there are) stands in the dead letter alone.
std::string first_dead_letter_text(std::string_view where, refusal why, std::string_view place,
                                   std::string_view reader);

} // namespace fairuse
