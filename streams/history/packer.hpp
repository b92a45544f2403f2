// SPDX-License-Identifier: Apache-2.0
//
// Makes a history of events in any order: sorts them by user (on disk if they are many), lets core judge which were
// admitted, and writes the blocks.
//
// Operation: add() and the others in any order, then finish(). The result does not depend on the order of calls.
// Threads: one; rows that memory does not hold, and blocks, are written on others.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/permanent_ids.hpp"
#include "events/event.hpp"
#include "events/refusal.hpp"
#include "storage/history/history_file.hpp"

namespace fairuse::history {

/// An event on its way into a history.
struct incoming_event {
  /// `*`: a command to all users.
  std::string_view uid;
  /// Without `has_id`, `text` and `key` are not read: the row is known by (uid, time, ms, lane) and its number among
  /// equal rows of its input.
  event what;
  bool has_id = true;
  std::int32_t partition = 0;
  /// Events of one epoch are applied in the order of before(); epochs in their order. 0 without arrivals.
  std::uint64_t epoch = 0;
  /// Its place among the events of the epoch as they came: the first of one instant, source and id counts. 0 without
  /// arrivals.
  std::uint32_t place = 0;
  /// When it came in; the event's instant without arrivals.
  time_ms now = 0;
  /// `now` of the epoch before, of a command to all users; INT64_MIN: there was none, or no arrivals.
  time_ms previous_now = INT64_MIN;
  /// Which of the inputs it is from.
  std::uint32_t input = 0;
  /// Core refused it, and add_refused() counts it. It is left out.
  bool refused = false;
  /// Refused for what it names: another command with its id is a duplicate.
  bool notes_id = false;
};

/// A review that was requested, as the deployment's decisions say. Its answer is found among the events.
struct incoming_request {
  std::string_view uid;
  std::string_view slot;
  std::uint32_t number = 0;
  time_ms requested_at = 0;
  /// In which it was made: many may have one `now`. 0 without arrivals.
  std::uint64_t epoch = 0;
  /// The user was erased in that epoch, before.
  bool after_erasure = false;
};

struct pack_options {
  /// A folder that exists, for what memory does not hold.
  std::filesystem::path scratch;
  /// Bytes of rows that are kept in memory.
  std::size_t memory_bytes = std::size_t{256} << 20;
  /// A block ends with the user that brings it to so many events.
  std::uint64_t block_events = 32'768;
  /// Lateness is judged, where arrivals are known. Off: the deployment judged already.
  bool judges_lateness = false;
  /// Pseudonyms under this key stand in the history, and users who were erased are left out; empty: names as they came.
  /// Events keep the order that their ids gave them.
  std::string pseudonym_key;
  /// Called now and then while finish() works: users and events written so far.
  std::function<void(std::uint64_t users, std::uint64_t events)> progress;
  /// Asked now and then: true ends finish() with the error `stopped`.
  std::function<bool()> stopped;
};

/// The message of a pack that was stopped.
inline constexpr std::string_view pack_stopped = "stopped";

class packer {
public:
  explicit packer(pack_options options);
  ~packer();
  packer(const packer&) = delete;
  packer& operator=(const packer&) = delete;

  result<void, store_error> add(const incoming_event& what);
  /// The same one twice counts once.
  result<void, store_error> add_request(const incoming_request& what);
  /// The engine gave up waiting for the answer at `when`.
  result<void, store_error> add_timeout(const incoming_request& of, time_ms when);
  /// A decision of that epoch followed from the event of that id: if it is an answer, it is no duplicate.
  result<void, store_error> add_answered(std::string_view uid, std::string_view id, std::uint64_t epoch);
  /// What a deployment knew of a user before its first epoch here (storage/user_state.hpp), once. It stands in the
  /// history if the contents have checkpoints.
  result<void, store_error> add_state(std::string_view uid, std::int32_t partition, std::string_view state);
  /// What an erasure from before left of the user (a tombstone of storage/rows.hpp), once.
  result<void, store_error> add_erased_before(std::string_view uid, std::string_view row);
  /// The partition has had a command to all users with that id before.
  void add_known_command(std::int32_t partition, const permanent_id& id);
  /// What is true of a user, once. `label`: place in history_contents::labels.
  result<void, store_error> add_label(std::string_view uid, std::uint32_t label);
  /// A line or record that became no event.
  void add_refused(refusal why);
  void add_empty_line();

  /// Rows added so far.
  std::uint64_t rows() const;
  /// Users with events that have a label, as of finish().
  std::uint64_t labelled_users() const;

  /// Write the blocks, and `all` with counts, parts, broadcasts and the range of instants filled in. Pseudonyms have no
  /// states: such a history begins cold.
  result<history_contents, store_error> finish(history_writer& to, history_contents all);

private:
  struct body;
  std::unique_ptr<body> body_;
};

} // namespace fairuse::history
