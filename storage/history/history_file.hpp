// SPDX-License-Identifier: Apache-2.0
//
// A history: columns by user of the events that a deployment admitted, with what a replay needs to know about them
// (docs/replay.md). Bytes:
//
//   magic (8), version (4)
//   frames: the parts of the blocks (history_block.hpp), zstd
//   contents (history.proto), zstd
//   place of the contents (8), their stored bytes (4) and bytes (4), SHA-256 of the stored ones with these 16 (32)
//
// Numbers are big-endian. The contents name place, size and checksum of every frame, and the frames follow each other
// without a gap, so no byte is without a check (the pieces of ids have theirs in the part before). A reader needs only
// the contents to begin; a damaged frame is named and refused when it is read. Version 2, or with states 3; version 1,
// in which the ids of a block are one frame, is read too. INVARIANT: damaged or foreign bytes are an error, never a
// crash or another history.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/system/random_access.hpp"
#include "core/policy_set.hpp"
#include "events/event.hpp"
#include "events/refusal.hpp"
#include "storage/history/block_ids.hpp"
#include "storage/history/history_block.hpp"
#include "storage/store_error.hpp"

struct ZSTD_DCtx_s;

namespace fairuse::history {

/// What came before a history's first event. Persistent: never renumber.
enum class history_start : std::uint8_t {
  cold = 0,        ///< not known: nothing exact is claimed of the first span of a policy
  first_epoch = 1, ///< nothing
  checkpoint = 2,  ///< a state: see history_contents::checkpoints
};
std::string_view to_text(history_start value);

/// A command to all users.
struct broadcast_command {
  std::int32_t partition = 0;
  time_ms now = 0;
  time_ms instant = 0;
  std::string source;
  std::string id;
  admin_command what;
  /// Of its partition; 0: not known.
  std::uint64_t epoch = 0;
  /// `now` of the epoch before; INT64_MIN: there was none.
  time_ms previous_now = INT64_MIN;
};

/// From this epoch on the engine ran with these controls, which no command had made: its first start, or one after a
/// change of the configuration. Also where only rules, retention or program changed.
struct history_run {
  std::int32_t partition = 0;
  std::uint64_t epoch = 0;
  time_ms now = 0;
  /// `now` of the epoch before; INT64_MIN: there was none.
  time_ms previous_now = INT64_MIN;
  bool enabled = false;
  bool killed = false;
  /// Digests (history_policy).
  std::string live;
  std::vector<std::string> shadows;
  std::int64_t retention_ms = 0;
  /// Number of the decision rules (core/rules.hpp).
  std::uint32_t rules = 1;
  /// For people; may be empty.
  std::string program;
};

/// Before this epoch, epochs of timers alone fired them for the first users by uid, and the others waited.
struct timer_cut {
  std::int32_t partition = 0;
  /// The one behind the last of the partition: it ends so.
  std::uint64_t epoch = 0;
  /// Timers that were due until then had fired for all users; INT64_MIN: none was due.
  time_ms fired_now = INT64_MIN;
  /// Of the last user who is known to be among the first; empty: none.
  std::string last_uid;
};

struct history_part {
  std::int32_t partition = 0;
  time_ms first_now = 0;
  time_ms last_now = 0;
  /// 0: not known.
  std::uint64_t last_epoch = 0;
};

/// What a partition's deployment knew before the first epoch of a history that begins with a checkpoint; what it knew
/// of each user stands with the user.
struct history_checkpoint {
  std::int32_t partition = 0;
  /// The last one whose changes are in it.
  std::uint64_t epoch = 0;
  time_ms now = 0;
  /// Of the policies that were loaded; `slots` nullopt: they always were (as an earlier build kept it).
  std::vector<profile_age> profiles;
  std::optional<std::vector<slot_age>> slots;
};

struct history_policy {
  std::string digest;
  std::string text;
};

/// From its first epoch at `from` on, a slot has had this policy; without a digest: none.
struct policy_in_force {
  std::int32_t partition = 0;
  time_ms from = 0;
  std::string slot;
  std::string digest;
};

/// What is known to be true of a user, who has its place in this list.
struct user_label {
  std::string name;
  /// As in populations: legitimate, misuse, exhausted.
  std::string truth;
};

/// Speech and STT events that came so much behind their instant or less; the last ones came later.
inline constexpr std::array<std::int64_t, 6> lateness_bounds{second_ms,    minute_ms,  hour_ms,
                                                             24 * hour_ms, 7 * day_ms, INT64_MAX};

/// What was read, and what of it was admitted.
struct history_counts {
  /// With events.
  std::uint64_t users = 0;
  /// Only a state is known of them.
  std::uint64_t idle_users = 0;
  std::array<std::uint64_t, event_kind_count> events{};
  /// Speech by lane.
  std::array<std::uint64_t, lane_count> lanes{};
  std::uint64_t segments = 0;
  std::array<std::uint64_t, lateness_bounds.size()> lateness{};
  /// By recorded_review::ending.
  std::array<std::uint64_t, 4> reviews{};
  refusal_counts refused{};
  std::uint64_t duplicates = 0;
  /// Account and conversation facts that an earlier event had overtaken.
  std::uint64_t stale = 0;
  std::uint64_t empty_lines = 0;
  /// Of a pseudonymised history: users who are left out because they were erased.
  std::uint64_t erased_users = 0;
  std::uint64_t all_events() const;
};

struct block_place {
  std::uint64_t at = 0;
  std::uint32_t stored_bytes = 0;
  std::uint32_t bytes = 0;
  std::uint64_t checksum = 0;
};

struct block_entry {
  std::array<block_place, block_part_count> parts;
  block_sizes sizes;
  std::string first_uid;
  std::string last_uid;
};

struct history_contents {
  std::string program;
  history_start start = history_start::cold;
  /// `now` is when an event came in. False: it is the event's instant.
  bool arrivals_known = false;
  /// Keyed hashes stand for uids, sources, ids, conversations and actors, numbers for categories; there is no free
  /// text.
  bool pseudonymised = false;
  /// A bit per event_kind that the sources could hold.
  std::uint32_t kinds = (1U << event_kind_count) - 1;
  std::int64_t retention_ms = 8 * day_ms;
  std::int64_t horizon_ms = 0;
  std::vector<history_part> parts;
  /// By partition. None: no state is known, though it may begin with one (a capture that an earlier build packed).
  std::vector<history_checkpoint> checkpoints;
  /// By partition, in the order in which they took effect.
  std::vector<broadcast_command> broadcasts;
  /// In the same order. Histories of files have none.
  std::vector<history_run> runs;
  std::vector<timer_cut> timer_cuts;
  std::vector<history_policy> policies;
  std::vector<policy_in_force> in_force;
  std::vector<user_label> labels;
  history_counts counts;
  /// Of events; not read if there are none.
  time_ms first_instant = 0;
  time_ms last_instant = 0;
  /// Filled in by the writer.
  std::vector<block_entry> blocks;

  bool holds_states() const { return not checkpoints.empty(); }
  bool could_hold(event_kind kind) const { return (kinds >> static_cast<unsigned>(kind) & 1) != 0; }
};

class history_writer {
public:
  /// Writes FILE.part. Error (misuse): the file is there and `replace` is false.
  static result<std::unique_ptr<history_writer>, store_error> create(std::filesystem::path file, bool replace);
  /// Without finish() nothing is left.
  ~history_writer();
  history_writer(const history_writer&) = delete;
  history_writer& operator=(const history_writer&) = delete;

  /// Its blocks and contents have states. REQUIRES: nothing was added.
  void hold_states();
  /// REQUIRES: the uids of blocks ascend.
  result<void, store_error> add(const built_block& block);
  std::uint64_t size() const;
  /// Synced and renamed to its name. `all.blocks` is filled in here.
  result<void, store_error> finish(history_contents all);

private:
  struct body;
  explicit history_writer(std::unique_ptr<body> all);
  std::unique_ptr<body> body_;
};

/// Threads: const calls may be made from any, each with buffers of its own.
class history_reader {
public:
  /// Errors: io, damaged, newer.
  static result<std::unique_ptr<history_reader>, store_error> open(const std::filesystem::path& file);
  /// Of bytes somewhere else.
  static result<std::unique_ptr<history_reader>, store_error> read(random_access from, std::uint64_t size);

  const history_contents& contents() const { return contents_; }
  std::uint64_t size() const { return size_; }
  /// SHA-256 of its contents, hex. They have the checksums of all blocks, so it names the whole.
  const std::string& digest() const { return digest_; }

  /// What a read needs; used again by the next one.
  struct buffers {
    buffers();
    ~buffers();
    std::string stored;
    std::array<std::string, block_part_count> parts;
    history_block block;
    block_ids ids;
    struct freed {
      void operator()(ZSTD_DCtx_s* gone) const;
    };
    std::unique_ptr<ZSTD_DCtx_s, freed> unpacker;
  };
  struct wanted_parts {
    /// For `events`.
    bool texts = false;
    bool ids = false;
    /// And idle users.
    bool states = false;
    event_form form = event_form::events;
  };
  /// The block with these parts is in `out.block`. REQUIRES: number < contents().blocks.size().
  result<void, store_error> read_block(std::size_t number, wanted_parts wanted, buffers& out) const;

  /// Read the id of event number `place` of a block, and those around it, unless `ids` has it already. There is no such
  /// event if `ids` does not hold it then. REQUIRES: `ids` is of this reader.
  result<void, store_error> read_id(std::size_t number, std::size_t place, buffers& out, block_ids& ids) const;

private:
  history_reader() = default;
  result<void, store_error> read_contents();
  store_error damaged_block(std::size_t number, const std::string& why) const;
  result<void, store_error> read_part(std::size_t number, block_part which, buffers& out) const;
  result<void, store_error> read_id_index(std::size_t number, buffers& out, block_ids& ids) const;
  result<void, store_error> read_pieces(std::size_t number, std::size_t first, std::size_t end, buffers& out,
                                        block_ids& ids) const;

  random_access from_;
  std::uint64_t size_ = 0;
  std::uint32_t version_ = 0;
  std::string digest_;
  history_contents contents_;
};

} // namespace fairuse::history
