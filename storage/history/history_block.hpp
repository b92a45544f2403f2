// SPDX-License-Identifier: Apache-2.0
//
// A block of a history: some users in the order of their uids, each with all events that were admitted, in the order in
// which they were applied. Parts are compressed apart, so that a reader takes only what it needs:
//
//   facts          users, events in columns, account facts, answers, commands, erasures, reviews
//   conversations  all that decisions use of them
//   texts          their titles and overviews
//   ids            where in the next part source and id of every event are
//   id_pieces      some of them each (block_format.hpp says how many), compressed apart
//   states         of a history that begins with a checkpoint: what the deployment knew of each user then, as
//                  storage/user_state.hpp has it
//
// Users of whom only a state is known are idle: they are read with the states, and nowhere else.
//
// An event read without `ids` has the key <its place among the user's events> + 1 and no text; without `texts`
// conversations have neither title nor overview. A run (core/event_columns.hpp) is read in a fifth of the time that
// events take.
// Threads: values; one builder per thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/epoch.hpp"
#include "events/event.hpp"
#include "storage/history/block_ids.hpp"
#include "storage/store_error.hpp"

namespace fairuse::history {

/// Persistent: the order of a block's frames.
enum class block_part : std::uint8_t { facts = 0, conversations = 1, texts = 2, ids = 3, id_pieces = 4, states = 5 };
inline constexpr std::size_t block_part_count = 6;

/// A request for a review, and how it ended.
struct recorded_review {
  /// Persistent: never renumber.
  enum class ending : std::uint8_t {
    open = 0,      ///< no outcome is known
    answered = 1,  ///< a score
    failed = 2,    ///< the answer says why there is none
    timed_out = 3, ///< the engine gave up waiting
  };
  /// The slot that asked; empty: not known.
  std::string slot;
  /// Of the standing; 0: not known.
  std::uint32_t number = 0;
  /// `never`: not known, only the answer is.
  time_ms requested_at = never;
  ending ended = ending::open;
  /// `now` at which the outcome was applied; 0 if open.
  time_ms ended_at = 0;
  review_answer said;
  /// Of the answer, its source and id; empty if there was none.
  std::string answer_source;
  std::string answer_id;
  /// What its place in time is: the request's instant, or the outcome's where that is not known.
  time_ms at() const { return requested_at != never ? requested_at : ended_at; }
};

/// Sliding windows of this length bound what any policy sums over up to an hour less: all lanes, by event time and by
/// arrival, each event counted whole. STT: the most of any UTC day.
inline constexpr std::array<std::int32_t, 10> peak_hours{2, 4, 7, 13, 25, 49, 73, 97, 121, 169};
struct user_peaks {
  std::array<std::int64_t, peak_hours.size()> speech_ms{};
  std::int64_t stt_day_ms = 0;
  friend bool operator==(const user_peaks&, const user_peaks&) = default;
};

struct user_head {
  std::string uid;
  std::int32_t partition = 0;
  /// Place in history_contents::labels.
  std::optional<std::uint32_t> label;
};

struct block_sizes {
  /// With events.
  std::uint32_t users = 0;
  std::uint32_t idle_users = 0;
  std::uint64_t events = 0;
};

/// A block in bytes.
struct built_block {
  struct part {
    std::string stored;
    std::uint32_t bytes = 0;
    std::uint64_t checksum = 0;
  };
  std::array<part, block_part_count> parts;
  block_sizes sizes;
  std::string first_uid;
  std::string last_uid;
};

class block_builder {
public:
  /// `holds_states`: as every block of the file.
  explicit block_builder(bool holds_states = false);
  ~block_builder();
  block_builder(const block_builder&) = delete;
  block_builder& operator=(const block_builder&) = delete;

  /// REQUIRES: uids ascend, across the blocks of a file too.
  void begin_user(const user_head& who);
  /// The next event as it was applied at `now`; `new_step`: not in the same step as the event before. `what.text` may
  /// be nullptr: the event has the id that event_id() gives. REQUIRES: `now` never goes back.
  void add(time_ms now, bool new_step, const event& what);
  /// A change for all users takes effect here: the command number `index` of history_contents::broadcasts, or behind
  /// those the run with that number. Written only where the user has a step at its `now`: elsewhere `now` says the
  /// place.
  void add_broadcast(time_ms now, bool new_step, std::uint32_t index);
  void add_review(const recorded_review& what);
  /// Of the user who is open; empty: nothing was known. REQUIRES: holds_states.
  void set_state(std::string_view state);
  /// Without states every user has an event.
  void end_user(const user_peaks& peaks);

  /// Of the users that ended.
  const block_sizes& sizes() const;
  /// Of their states.
  std::size_t state_bytes() const;
  /// The block, compressed; the builder is empty again. REQUIRES: at least one user ended, none is open.
  built_block finish();

private:
  struct body;
  std::unique_ptr<body> body_;
};

/// Consecutive events of a user at one `now`.
struct block_step {
  time_ms now = 0;
  std::uint32_t first = 0;
  std::uint32_t count = 0;
};

struct block_user {
  std::string_view uid;
  std::int32_t partition = 0;
  std::optional<std::uint32_t> label;
  user_peaks peaks;
  /// Of the block's; `first` of a step counts from the user's first event.
  std::span<const block_step> steps;
  std::span<const event> events;
  std::span<const recorded_review> reviews;
  /// The same events without ids; broadcasts are whole events. Valid as long as the block's bytes.
  event_columns run;
  /// Of the run, how many entries are answers and commands, to all users too.
  std::uint32_t answers_and_commands = 0;
  /// The place of the first event's id in block_ids; changes for all users have none.
  std::size_t first_id = 0;
  /// Of the block's bytes; empty: nothing was known, or not wanted.
  std::string_view state;
};

/// A change for all users among a user's events (block_builder::add_broadcast): an admin event whose `ms` is its
/// number, without detail.
inline bool is_broadcast_mark(const event& what) { return what.kind == event_kind::admin and what.detail == nullptr; }

/// The number of a mark that stands for events of the user that were not admitted: in an epoch with a promotion their
/// place decides under which policies timers fire.
inline constexpr std::uint32_t left_out_mark = INT32_MAX;

/// A block that was read. Its memory is used again by the next read.
class history_block final : conversation_source {
public:
  history_block() = default;
  // Runs point at it.
  history_block(const history_block&) = delete;
  history_block& operator=(const history_block&) = delete;

  /// By uid.
  std::span<const block_user> users() const { return users_; }
  /// A conversation that was asked for could not be read; what followed from it is wrong.
  bool damaged() const { return damaged_; }

private:
  friend class block_decoder;
  conversation_outline outline(std::size_t place) const override;
  event conversation(std::size_t place, event entry) const override;

  std::vector<block_user> users_;
  std::vector<block_step> steps_;
  std::vector<event> events_;
  std::vector<recorded_review> reviews_;
  event_arena arena_;
  std::string uids_;
  // Of runs, an entry each.
  std::vector<time_ms> nows_;
  std::vector<time_ms> instants_;
  std::vector<std::int32_t> amounts_;
  std::vector<run_tag> tags_;
  std::vector<event> whole_;
  /// In the block's bytes.
  std::vector<std::string_view> conversations_;
  std::vector<std::string> conversation_strings_;
  mutable event_detail read_conversation_;
  mutable bool damaged_ = false;
};

/// The bytes of a block's parts, uncompressed; nullopt, nullptr: not wanted.
struct block_bytes {
  std::string_view facts;
  std::string_view conversations;
  std::optional<std::string_view> texts;
  /// All of the block's.
  const block_ids* ids = nullptr;
  /// The block has states.
  bool holds_states = false;
  std::optional<std::string_view> states;
};

/// What a reader wants of the users' events.
enum class event_form : std::uint8_t {
  run,    ///< `run` alone
  events, ///< also `steps` and `events`
};

/// The error says what is impossible in the bytes. INVARIANT: foreign bytes give an error or a block, never a crash.
result<void> decode_block(const block_bytes& from, event_form form, history_block& out);

} // namespace fairuse::history
