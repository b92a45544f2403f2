// SPDX-License-Identifier: Apache-2.0
//
// The store of local mode: input log, user state, journal, decisions and dead letters in one RocksDB, written
// commit by commit. A commit holds whole epochs and is durable (`sync=true`) or absent; there is nothing in between.
//
// Invariants
//   1. What is read is what was written last, committed or not: load() sees the rows of the open and of the running
//      commit before those of RocksDB. A user whose changes were added may be passivated at once.
//   2. Nothing is repaired. After the first error (a read that failed inside load() included) every commit is refused
//      with that error.
//   3. `published` (a file beside RocksDB) follows behind every commit. A store that is behind it at open has lost
//      commits, and is refused.
// In every week of its `now` a checkpoint is taken beside it (checkpoint.hpp).
// Threads: all calls come from one thread. One thread inside writes; at most one commit is under way. A checkpoint has
// another one for as long as it is written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/epoch.hpp"
#include "events/refusal.hpp"
#include "storage/store_error.hpp"

namespace fairuse {

class committed_users;
class stored_logs;
class user_scan;

struct store_options {
  /// For case references and erasure tombstones (storage/case_key.hpp).
  std::string case_key;
  std::int64_t usage_retention_ms = 8 * day_ms;
  std::int64_t input_retention_ms = 35 * day_ms;
  std::int64_t decision_retention_ms = 400 * day_ms;
  /// True: a log is cut at its first damaged record, because what is missing comes from the changelog (Kafka mode).
  /// False: it is refused.
  bool accept_lost_tail = false;
  /// 0: chosen by the size of the file system (2 MiB on a small one).
  std::uint64_t write_buffer_bytes = 0;
  /// Free bytes under which, with twice the commit, a commit is refused. 0: 12 MiB, more with a larger write buffer.
  std::uint64_t reserve_bytes = 0;
  /// Called by the writing thread at `storage.before_write`, `storage.after_write` (durable, not yet published) and
  /// `storage.after_publish`; by that of a checkpoint at `storage.before_checkpoint` (written, without its name) and
  /// `storage.after_checkpoint`. For crash tests.
  std::function<void(std::string_view)> failpoint;
};

/// How far an input has been read.
struct input_position {
  std::string input;
  std::uint64_t bytes = 0;
  std::uint64_t lines = 0;
  /// Distinguishes this input from another of the same name.
  std::string fingerprint;
  friend bool operator==(const input_position&, const input_position&) = default;
};

/// Controls as they are remembered: policies by digest (keep_policy has their text).
struct stored_controls {
  bool enabled = false;
  bool killed = false;
  std::string live;
  std::vector<std::string> shadows;
  friend bool operator==(const stored_controls&, const stored_controls&) = default;
};

/// What a restart goes on from; written with every commit.
struct store_meta {
  /// Last epoch of the last commit; 0: none yet.
  std::uint64_t epoch = 0;
  time_ms now = 0;
  std::vector<input_position> inputs;
  stored_controls controls;
  /// Small values of the caller (last values of the configuration, profiles and their ages).
  std::map<std::string, std::string> settings;
  friend bool operator==(const store_meta&, const store_meta&) = default;
};

/// An input line that became no event.
struct dead_letter {
  refusal why = refusal::not_json;
  std::string place;
  std::string input;
  /// In the input, from 1.
  std::uint64_t line = 0;
  /// In this commit's lines (add_lines), from 0.
  std::uint32_t commit_line = 0;
  /// As they came.
  std::string bytes;
  /// A sentence behind the remedy; may be empty.
  std::string note;
};

/// The folder has a store, or what is left of one.
bool holds_local_store(const std::filesystem::path& folder);
/// Remove a store that nothing was committed to. REQUIRES: it is closed.
void remove_local_store(const std::filesystem::path& folder);

class local_store final : public user_store {
public:
  /// Open or create the store in `folder`. Refuses what is damaged, newer than this program, locked, out of space or
  /// behind what was published.
  static result<std::unique_ptr<local_store>, store_error> open(const std::filesystem::path& folder,
                                                                const store_options& options);
  ~local_store() override;
  local_store(const local_store&) = delete;
  local_store& operator=(const local_store&) = delete;

  // What was committed.

  /// Read by load(): all rows of the users, bound to `policies`. Unknown uids give fresh users. Ids: hours from
  /// first_id_hour(now) on. Users come back with changed.track set. On an error: fresh users, and see failure().
  std::vector<std::unique_ptr<user>> load(std::span<const std::string_view> uids, const policy_set& policies,
                                          time_ms now) override;
  older_ids load_ids(std::string_view uid, hour_number hour) override;
  /// As of the last commit.
  std::vector<std::pair<time_ms, std::string>> due_users() override;
  /// Does any user have speech in an hour that is not before `first`?
  bool has_usage(hour_number first);
  /// Instant of the user's erasure; INT64_MIN: not erased. O(1), a branch if no user was ever erased. Sees erasures of
  /// the open commit.
  time_ms erased_at(std::string_view uid);
  /// What the last commit left, for a thread of its own. REQUIRES: no commit is open or under way; this outlives it.
  std::unique_ptr<user_scan> scan_users(const policy_set& policies) const;
  /// What the last commit left, for any thread. REQUIRES: no commit is under way, or it is the one that tells
  /// `published`; this outlives it.
  std::shared_ptr<const committed_users> last_commit() const;
  /// Text of a policy by digest; empty: unknown.
  std::string policy_text(std::string_view digest);
  /// Decisions, dead letters, journal and inputs as committed (storage/stored_logs.hpp). Usable from any thread.
  const stored_logs& logs() const;
  /// The case key differs from the one of the last opening (and no user was erased under that one).
  bool case_key_changed() const;

  // The open commit. Rows added twice: the last one counts.

  /// What the next commit will remember. At open: what the last one did. The caller keeps it up to date;
  /// `controls` as they are at an add_epoch() that begins a commit stand in the journal.
  store_meta& meta();

  /// Begin an epoch: decisions and dead letters added next belong to it. `lines`: how many of the lines added with
  /// add_lines() are its input, in order. REQUIRES: numbers go up by one, `now` does not go back.
  void add_epoch(std::uint64_t number, time_ms now, std::uint32_t lines);
  /// Whole input lines, each with its newline (added to the last one if it has none).
  void add_lines(std::string_view lines);
  /// One line of JSON, without a newline.
  void add_decision(std::string_view json);
  void add_dead_letter(const dead_letter& dead_letter);
  /// Encode what `who.changed` names, and clear it (not `track`). May be called once per touched user and commit, or
  /// more often. REQUIRES: bound (who.sums.policies); hours in changed.id_hours are resident.
  void add_user(std::string_view uid, user& who);
  /// A row of the user's own log, kept as long as decisions, until the user is erased. Behind add_user() of the user's
  /// erasure, if there is one. `index`: inside the epoch.
  void add_to_log(std::string_view uid, time_ms now, std::uint64_t epoch, std::uint32_t index, std::string_view row);
  void keep_policy(std::string_view digest, std::string_view text);
  /// Bytes gathered since the last commit(); decides when a commit is due.
  std::size_t open_bytes() const;

  /// Hand the open commit to the writer, after the one under way has ended. Returns at once, with that one's error if
  /// it had one. An empty commit (no epoch) writes nothing. `published` is called by the writing thread once readers
  /// may see the commit.
  result<void, store_error> commit(std::function<void()> published = {});
  /// Wait until nothing is under way: what was handed over is durable and published.
  result<void, store_error> wait();
  /// Wait until no checkpoint (checkpoint.hpp) is under way; without it, closing the store ends one unfinished.
  void wait_for_checkpoint();
  /// Why a checkpoint cannot be written, once for several in a row; nullopt: nothing new.
  std::optional<std::string> take_checkpoint_failure();
  /// Number of the last durable commit, and its last epoch. May be asked from any thread.
  std::uint64_t committed() const;
  std::uint64_t committed_epoch() const;
  /// The first error; ok if there was none.
  result<void, store_error> failure() const;

private:
  struct body;
  explicit local_store(std::unique_ptr<body> all);
  std::unique_ptr<body> body_;
};

} // namespace fairuse
