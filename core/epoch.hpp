// SPDX-License-Identifier: Apache-2.0
//
// An epoch, what each user has to do in it, and its result: the plain structs that pass between a mode's driver, the
// shard and core, and the interface to users that are not in memory.
// Threads: all calls on one object come from one worker's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/event_columns.hpp"
#include "core/permanent_ids.hpp"
#include "core/rules.hpp"

namespace fairuse {

/// One step of a slice: `advance` to `now` under `in_force`, then events [first, first + count) of the slice. If they
/// stand in the slice's run, each has its own `now`, and that of the step is the first one's.
struct step {
  time_ms now = 0;
  const controls* in_force = nullptr;
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  bool in_run = false;
};

/// Ids of one older hour that the store had (see needs_older_ids).
struct older_ids {
  hour_number hour = 0;
  std::vector<std::uint64_t> keys;
};

/// What one user has to do in one epoch. The memory belongs to the epoch.
struct slice {
  std::string_view uid;
  std::span<const step> steps;
  std::span<const event> events;
  std::span<const older_ids> older;
  /// Of the steps that say so.
  const event_columns* run = nullptr;
};

/// An event that core refused. A copy of the source's; `what->text` is the source's own pointer.
struct refused_event {
  const event* what = nullptr;
  applied why = applied::accepted;
  /// What a person needs to mend it, a sentence; may be empty.
  std::string note;
};

/// An event that changed nothing: a duplicate, or a stale fact.
struct unused_event {
  event_kind kind = event_kind::speech;
  applied why = applied::duplicate;
};

/// The result of a slice. Decisions are in order. `who` may be read until the next epoch begins; a sink that has
/// written a user's changes down clears `who->changed`, and nothing else of it.
struct outcome {
  std::string_view uid;
  user* who = nullptr;
  step_output wrote;
  std::vector<refused_event> refused;
  std::vector<unused_event> unused;
  /// How many steps of the last slice were taken whole; after a step that wrote review_requested a user stops.
  std::uint32_t steps_taken = 0;
  /// Of the next step, which is in the run, that many events were taken.
  std::uint32_t events_taken = 0;
  bool asked = false;
  time_ms next_due = never;
};

/// An event on its way to a user.
struct addressed_event {
  std::string_view uid;
  event what;
};

/// A sealed epoch. Production fills `events` and `commands`, and the shard cuts slices; simulation hands over ready
/// slices (it has every user's events at hand and needs no clock).
struct epoch {
  std::uint64_t number = 0;
  time_ms now = 0;
  /// In input order; the shard sorts.
  std::span<const addressed_event> events;
  /// Commands to all users (subject `*`) of this epoch.
  std::span<const event> commands;
  /// Ready slices, sorted by uid; if not empty, `events` and `commands` are empty.
  std::span<const slice> slices;
  /// Fire timers of no more users than this, the first in uid order; an epoch of its own follows for the others.
  std::size_t timers_max = SIZE_MAX;
};

/// The steps that `so_far` did not take. REQUIRES: a slice without a run.
inline slice remaining_steps(const slice& given, const outcome& so_far) {
  return {given.uid, given.steps.subspan(so_far.steps_taken), given.events, {}, nullptr};
}

/// What is left for a user whose slice is done or was cut off by a review request (outcome::asked). Called after every
/// slice, until it returns one without steps: that ends the user's epoch. Production: the remaining steps as they are
/// (remaining_steps). Simulation: the same in pieces, with the reviewer's answers between them.
using continuation = std::function<slice(const slice& given, const outcome& so_far)>;

/// A command to all users that was carried out and could change nothing.
struct impossible_command {
  /// Points into epoch.commands.
  const event* what = nullptr;
  /// Why, a sentence for the person who gave it.
  std::string note;
};

/// The result of an epoch's commands to all users.
struct broadcast_outcome {
  /// In force from here on.
  controls in_force;
  /// Commands that were seen before (same idempotency key); the others of epoch.commands took effect.
  std::vector<const event*> duplicates;
  /// Promotion of a shadow that is not loaded, or whose sums are incomplete.
  std::vector<impossible_command> impossible;
  /// Of the duplicates: those that say something else than the first one under their id.
  std::uint64_t reused_ids = 0;
  /// Ids of the commands that took effect: to be remembered for ever (see shard_options::command_ids).
  std::vector<permanent_id> new_ids;
  std::vector<decision> decisions;
};

/// The result of an epoch. Nothing is written or published yet. Valid until the shard's next epoch begins.
struct epoch_result {
  /// In uid order.
  std::span<outcome> outcomes;
  const broadcast_outcome* broadcast = nullptr;
};

/// The users that are not in memory.
class user_store {
public:
  virtual ~user_store() = default;
  /// Read all absent users of an epoch at once; unknown uids give a fresh user. `ids`: all hours from
  /// first_id_hour(now) on, later ones than `now` as well.
  virtual std::vector<std::unique_ptr<user>> load(std::span<const std::string_view> uids, const policy_set& policies,
                                                  time_ms now) = 0;
  /// Ids of one older hour of one user.
  virtual older_ids load_ids(std::string_view uid, hour_number hour) = 0;
  /// Users with a timer, to rebuild the heap at start: (due, uid).
  virtual std::vector<std::pair<time_ms, std::string>> due_users() = 0;
};

} // namespace fairuse
