// SPDX-License-Identifier: Apache-2.0
//
// What held for all users of a history, epoch by epoch: the policies, switches and commands that its deployment had,
// carried out again by the shard of production.
// Threads: made and destroyed by one thread; const in between, and then read by any.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/slice_cutter.hpp"
#include "actors/worker.hpp"
#include "base/pure/result.hpp"
#include "config/policy_file.hpp"
#include "sim/fresh_users.hpp"
#include "storage/history/history_file.hpp"

namespace fairuse::sim {

/// An epoch that changed what holds for all users.
struct controls_change {
  std::uint64_t epoch = 0;
  time_ms now = 0;
  /// Of the epoch before; INT64_MIN: there was none.
  time_ms previous_now = INT64_MIN;
  /// A run began with it: users were read from the store under its policies.
  bool begins_run = false;
  /// The first one holds when the epoch begins, the others from their commands on.
  std::vector<controls_period> periods;
  /// Of timers that were due before, those up to here had fired for all users; up to `previous_now` for those up to
  /// `fired_uid`.
  time_ms fired_now = INT64_MIN;
  std::string fired_uid;
  struct mark {
    /// As marks among users' events name it (history::is_broadcast_mark).
    std::uint32_t number = 0;
    /// Of the period that holds behind it.
    std::size_t period = 0;
  };
  std::vector<mark> marks;

  const controls* after() const { return periods.back().in_force; }
  bool changes_policies() const { return after()->policies != periods.front().in_force->policies; }
};

struct partition_controls {
  std::int32_t partition = 0;
  /// Of the last epoch, until which timers fired for users up to `fired_uid`; for the others until `fired_now`.
  time_ms last_now = 0;
  time_ms fired_now = 0;
  std::string fired_uid;
  /// In order; the first one begins a run.
  std::vector<controls_change> changes;
};

class recorded_controls {
public:
  /// A policy from its text; nullopt: it is none.
  using policy_parser = std::function<std::optional<policy>(const std::string& text)>;

  /// The error says why the history cannot be replayed as it was recorded, and what to do about it.
  static result<std::unique_ptr<recorded_controls>> make(const history::history_contents& of,
                                                         policy_parser parse = parse_canonical);

  /// Any that were in force.
  const controls& first() const { return held_.front(); }
  /// nullptr: nothing is known of that partition.
  const partition_controls* of(std::int32_t partition) const;
  /// What was decided for all users (uid `*`), in the order of partitions: append_decision_chain().
  const std::vector<std::string>& decisions_for_all() const { return for_all_; }

private:
  recorded_controls(const history::history_contents& of, policy_parser parse)
    : contents_(of), parse_(std::move(parse)) {}
  result<void> add_partition(std::int32_t partition);
  void note_timers(partition_controls& of) const;
  result<void> begin_run(std::size_t number, controls_change& into);
  result<void> obey(const history::broadcast_command& command, controls_change& into);
  policy_ages ages_at_start(std::int32_t partition, const std::vector<const policy*>& loaded) const;
  result<const policy_set*> policies_of(const history::history_run& with);
  result<policy> policy_of(const std::string& digest) const;
  const controls* hold(const controls& what);

  const history::history_contents& contents_;
  policy_parser parse_;
  std::vector<partition_controls> partitions_;
  std::deque<controls> held_;
  const controls* in_force_ = nullptr;
  std::vector<std::shared_ptr<const policy_set>> sets_;
  event_arena texts_;
  std::deque<event> commands_;
  std::vector<std::string> for_all_;
  fresh_users users_;
  worker actors_;
  /// They own the policies that they promoted.
  std::vector<std::unique_ptr<shard>> shards_;
};

} // namespace fairuse::sim
