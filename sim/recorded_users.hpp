// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to the replay as recorded: decides the users of a history once more, one after the other, under what held at
// their deployment. Everything that its users were told is an event, so nothing is asked and nothing imputed.
//
// A user begins as a store gives it, from what the deployment knew of it before, or fresh, and takes the steps of
// production: its own events at their `now`, and steps without events where a change for all users makes a difference
// when timers fire. All other timers fire late, at the next step, and write the same bytes. Where a run began under
// other policies a user is read again as from a store: standings by the name of their slot, buckets by their profile.
// Threads: one object per thread; recorded_controls are shared.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actors/slice_cutter.hpp"
#include "actors/worker.hpp"
#include "events/user_decisions.hpp"
#include "sim/recorded_controls.hpp"
#include "storage/history/history_block.hpp"
#include "storage/rows.hpp"

namespace fairuse::sim {

class recorded_users {
public:
  /// REQUIRES: `under` outlives this. `case_of`: for commands that name a strike by its case.
  recorded_users(const recorded_controls& under, case_naming case_of);

  /// The error says what in the history cannot be.
  result<user_decisions> decide(const history::block_user& who);

private:
  /// The standing of a slot that is not loaded, as its row in a store.
  struct unloaded_slot {
    standing last;
    /// When the slot was loaded.
    time_ms loaded = INT64_MIN;
    /// When it was unloaded: a later erasure leaves its numbers.
    time_ms erased_at = INT64_MIN;
  };

  class one_user final : public user_store {
  public:
    std::vector<std::unique_ptr<user>> load(std::span<const std::string_view> uids, const policy_set& policies,
                                            time_ms now) override;
    older_ids load_ids(std::string_view, hour_number hour) override { return {hour, {}}; }
    std::vector<std::pair<time_ms, std::string>> due_users() override { return {}; }
    std::unique_ptr<user> next;
  };

  result<void> begin(const history::block_user& who);
  result<std::unique_ptr<user>> known_before();
  slice rest(const slice& given, const outcome& so_far);
  slice next();
  bool is_change_next() const;
  bool has_marks(const history::block_step& step) const;
  void begin_change(const controls_change& what);
  void take_marked(const controls_change& what, const history::block_step& step);
  void add_left_out_step(const controls_change& what);
  slice take_cut();
  slice own_steps();
  slice one_step(time_ms now);
  void run(slice first);
  void unload(user& from, const policy_set& old, const policy_set* kept);
  std::unique_ptr<user> read_again(user& from, const policy_set& to);
  std::unique_ptr<user> bound(std::unique_ptr<user> who, const step& first);
  std::optional<standing> take_unloaded(const slot_spec& slot, time_ms erased_at);
  void collect(const outcome& of);

  const recorded_controls& under_;
  row_codec codec_;
  one_user store_;
  worker actors_;
  std::unique_ptr<shard> shard_;
  slice_cutter cutter_;
  std::uint64_t epochs_ = 0;

  // Of the user who is being decided.
  const history::block_user* who_ = nullptr;
  const partition_controls* changes_ = nullptr;
  std::size_t next_step_ = 0;
  std::size_t next_change_ = 0;
  const controls* held_ = nullptr;
  /// The policies of the step before.
  const policy_set* bound_ = nullptr;
  /// A run began since then under other ones.
  bool reads_again_ = false;
  /// As the engine knew it.
  time_ms due_ = never;
  std::vector<step> steps_;
  std::vector<addressed_event> events_;
  /// Of the period in which events that were not admitted came first, before all others.
  std::optional<std::size_t> left_out_in_;
  slice cut_;
  std::vector<step> cut_steps_;
  std::size_t next_cut_ = 0;
  /// Those from before the epoch of the steps that next() gave last: users are read under them.
  const policy_set* front_ = nullptr;
  const policy_set* cut_front_ = nullptr;
  /// Steps that wait until the user is read again.
  slice waiting_;
  std::map<std::string, unloaded_slot> unloaded_;
  std::map<std::string, std::vector<std::string>> decided_;
  std::string fault_;
};

} // namespace fairuse::sim
