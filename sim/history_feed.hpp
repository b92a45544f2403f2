// SPDX-License-Identifier: Apache-2.0
//
// The traffic of a history, for policies that run alone and from its beginning: events as they were admitted, at their
// own `now`. Reviews, and commands that answered decisions of the policies of then, are left out: account facts,
// exemptions and erasures hold, and if the plan says so the switches of the system. What came in behind the stated end
// is left out.
// Threads: one feed per worker; the history and the plan are shared.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/experiment.hpp"
#include "sim/recorded_switches.hpp"
#include "sim/traffic_feed.hpp"
#include "storage/history/history_file.hpp"

namespace fairuse::sim {

/// Users of a history by number: in the order of uids, blocks of the file one after the other.
struct history_plan {
  /// REQUIRES: `of` outlives this.
  explicit history_plan(const history::history_reader& of);

  const history::history_reader* from;
  /// By block: the number of the user behind its last one.
  std::vector<std::uint32_t> ends;
  /// Cohorts of the experiment: the history's labels, the last one for users without.
  std::vector<cohort> groups;
  /// Stages set by staff and the like hold, too: the traffic is no deployment's, and they answer nothing of another
  /// policy.
  bool obeys_staff = false;
  /// Labels that replace those of the history: uid to place in `groups`. All others are unlabelled.
  std::optional<std::map<std::string, std::uint32_t, std::less<>>> labels;
  /// Empty: the system is on.
  recorded_switches switches;
  bool keeps_switches = false;
  /// Finds users whose events need not be decided; nullopt: all are decided. REQUIRES: the system is always on.
  std::optional<certificate> proof;

  /// `all` in place of the history's labels, by uid.
  void label(std::span<const history::user_label> all, std::map<std::string, std::uint32_t, std::less<>> by_uid);
  /// The system is on and off, and killed, as it was then.
  void keep_switches();
};

/// `what` on a history: traffic, groups and end are the history's. REQUIRES: what.policies and seed are set.
void set_captured(experiment& what, const history_plan& plan, const std::string& file);

class history_feed final : public traffic_feed {
public:
  /// REQUIRES: all outlive this. Throws std::runtime_error where a block is damaged.
  history_feed(const history_plan& plan, const controls& in_force, time_ms end);

  void fill(std::uint32_t user, simulated_user& out) override;
  std::optional<std::string> id_of(std::uint32_t user, std::uint64_t key) override;
  void check() const override;

private:
  /// The block of a user, read if it is not the last one.
  const history::block_user& open(std::uint32_t user);
  std::size_t block_of(std::uint32_t user) const;
  void write_run(const history::block_user& who, simulated_user& out);
  void write_whole_run(const history::block_user& who, simulated_user& out);
  void write_switched_run(const history::block_user& who, std::span<const switch_change> changes, simulated_user& out);

  const history_plan* plan_;
  const controls* in_force_;
  all_controls under_;
  time_ms end_;
  std::size_t block_ = SIZE_MAX;
  history::history_reader::buffers buffers_;
  /// Around the last cause that was named.
  history::block_ids ids_;
  history::history_reader::buffers ids_buffers_;
};

} // namespace fairuse::sim
