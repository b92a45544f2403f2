// SPDX-License-Identifier: Apache-2.0
//
// What `fairuse.enforcement.v1` says of users, kept in memory as a gateway does: those who are at a stage or exempt,
// who was erased, and the switches. It is caught up with the brokers before it is asked.
// Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/enforcement_log.hpp"
#include "events/event.hpp"
#include "streams/kafka/broker/cluster.hpp"

namespace fairuse {

class enforcement_view {
public:
  /// Whoever acts by it catches it up at least so often, also where nothing new was read.
  static constexpr std::int64_t age_max_ms = 500;

  enforcement_view(kafka::cluster& brokers, std::string topic);

  /// Read these partitions from their beginning; the others are forgotten.
  void follow(const std::vector<std::int32_t>& partitions);
  /// Read all that is committed at `now`. False: not yet, ask again; an error: a broker refuses.
  kafka::call_result<bool> catch_up(kafka::milliseconds wait, time_ms now);
  /// It was caught up since follow(); before, nothing is known of anybody.
  bool is_known() const { return caught_up_at_.has_value(); }
  /// That was less than age_max_ms ago.
  bool is_recent(time_ms now) const;

  /// Of a followed partition; nullopt: no row said so yet.
  struct switches {
    bool enabled = false;
    bool killed = false;
  };
  std::optional<switches> switches_of(std::int32_t partition) const;
  /// On some followed partition the kill switch is on, or the system is off.
  bool is_off() const;
  /// Nullptr: neither at a stage nor exempt.
  const enforcement_row* find(std::string_view uid) const;
  /// The user was erased in that epoch of the partition or later.
  bool is_erased_since(std::string_view uid, std::uint64_t epoch) const;

private:
  void take(const enforcement_record& what);

  enforcement_log log_;
  std::optional<time_ms> caught_up_at_;
  std::map<std::int32_t, switches> switches_;
  std::map<std::string, enforcement_row, std::less<>> users_;
  std::map<std::string, std::uint64_t, std::less<>> erased_;
};

} // namespace fairuse
