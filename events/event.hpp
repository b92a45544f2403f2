// SPDX-License-Identifier: Apache-2.0
//
// What came in. An event is a fact about one user (or, for a few admin commands, about all of them: subject `*`).
//
// Layout: a speech or STT event is one flat 48-byte struct, so a month of traffic is an array that is walked in order.
// Everything rare (segments, account facts, answers, commands) is in `detail`, and the two strings that only ordering
// and audit need (`source`, `id`) are in `text`. An `event_arena` owns both.
// Threads: plain values; an arena belongs to the thread that fills it until it is sealed, and is then read-only.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fairuse {

/// Milliseconds since 1970-01-01T00:00:00Z.
using time_ms = std::int64_t;

inline constexpr time_ms second_ms = 1'000;
inline constexpr time_ms minute_ms = 60 * second_ms;
inline constexpr time_ms hour_ms = 60 * minute_ms;
inline constexpr time_ms day_ms = 24 * hour_ms;

/// "No such instant": no deadline, no timer, never happened.
inline constexpr time_ms never = INT64_MAX;

/// Where speech came from. Persistent: never renumber.
enum class lane : std::uint8_t { realtime = 0, sync = 1, backfill = 2, custom = 3 };
inline constexpr std::size_t lane_count = 4;

/// Persistent: never renumber.
enum class event_kind : std::uint8_t {
  speech = 0,
  stt = 1,
  account = 2,
  conversation = 3,
  review = 4,
  admin = 5,
  erasure = 6,
};
inline constexpr std::size_t event_kind_count = 7;

/// What a review says the audio is. Persistent: never renumber.
enum class usage_type : std::uint8_t {
  none = 0,
  audiobook = 1,
  podcast = 2,
  prerecorded = 3,
  tv_movie = 4,
  commercial = 5,
  unknown = 6,
  free_exhausted = 7,
};

/// Ladder stages, mildest first. Persistent: never renumber.
enum class stage : std::uint8_t { none = 0, warning = 1, throttle = 2, restrict = 3 };
inline constexpr std::size_t stage_count = 4;

enum class admin_verb : std::uint8_t {
  set_stage = 0,
  reset = 1,
  resolve = 2,
  clear_strike = 3,
  exempt = 4,
  enable = 5,
  kill_switch = 6,
  promote_policy = 7,
  restore_strike = 8,
  reopen = 9,
  appeal = 10, ///< what the user says against a strike
};

/// A span of speech, half open, ms from the event's `time`.
struct segment {
  std::uint32_t begin_ms;
  std::uint32_t end_ms;
};

struct speech_segments {
  /// As they came; overlaps are counted once (see core/metering.hpp).
  std::vector<segment> segments;
};

/// The fields that an account event names; the others stay as they are.
struct account_fact {
  std::optional<std::string> plan;
  std::optional<bool> credits_exhausted;
  std::optional<std::string> time_zone;
  /// The language that the user is written to in, BCP 47: `de`, `pt-BR`. No rule reads it.
  std::optional<std::string> locale;
};

struct conversation_fact {
  std::string conversation;
  std::string title;
  /// Cut at 200 characters (UTF-8 code points) when decoded.
  std::string overview;
  std::string category;
  std::int64_t duration_ms = 0;
  lane from = lane::realtime;
};

struct review_answer {
  /// `<slot>-<number>`, as the request said.
  std::string request;
  /// Why there is no verdict; empty when there is one.
  std::string failed;
  /// Replays alone: nothing is known of how the review would have ended, so it ends here, and its cooldown runs.
  bool unanswered = false;
  /// 1e-9 units, truncated; 0 .. 1'000'000'000.
  std::int32_t score_nano = 0;
  std::optional<std::int32_t> confidence_nano;
  usage_type type = usage_type::none;
  std::string model;
  std::string prompt_version;
  /// At most 10 lines.
  std::vector<std::string> evidence;
  /// What the call cost, micro-units of money, >= 0; a failed one may have cost something, too.
  std::optional<std::int64_t> cost_micro;
};

/// What a reviewer said besides score and usage type. No rule reads it; it is kept for people.
struct review_details {
  std::optional<std::int32_t> confidence_nano;
  std::vector<std::string> evidence;
  std::string model;
  std::string prompt_version;
  std::optional<std::int64_t> cost_micro;
  friend bool operator==(const review_details&, const review_details&) = default;
};
/// Shared by a mark and what was written of it, which are read alone; nullptr: nothing was said.
using shared_details = std::shared_ptr<const review_details>;

/// Of an answer; nullptr where all of it is absent (synthetic traffic).
shared_details details_of(const review_answer& answer);

/// A command to all users (subject `*`).
constexpr bool is_broadcast(admin_verb verb) {
  return verb == admin_verb::enable or verb == admin_verb::kill_switch or verb == admin_verb::promote_policy;
}

struct admin_command {
  admin_verb verb = admin_verb::reset;
  std::string actor;
  std::string reason;
  /// set_stage.
  stage to = stage::none;
  /// exempt, enable, kill_switch.
  bool on = false;
  /// exempt with `on`: the last instant of the exemption; `never`: it does not end by itself.
  time_ms until = never;
  /// Commands about a strike: its number; 0 if `reference` names it (and no strike has that reference).
  std::uint32_t strike = 0;
  /// Instead of the number, its case reference.
  std::string reference;
  /// resolve, reopen.
  std::string notes;
  /// promote_policy.
  std::string policy;
  /// promote_policy: the first digits of the policy's digest, at least digest_digits_min; empty: any.
  std::string digest;
  /// appeal: the user's own words.
  std::string text;
};

inline constexpr std::size_t digest_digits_min = 12;
/// 12 to 64 lower-case hex digits: what a digest is shown as, or all of it.
bool is_digest_prefix(std::string_view text);

/// 32 bits of a hash over what a command says, its time excepted: tells a command that is sent again from another one
/// under the same id. Never 0. Stored for ever, so a member that is added later counts only where it is set.
std::uint32_t command_content(const admin_command& what);

/// `FU-` and 12 upper-case hex digits: a strike, as the user and support see it.
bool is_case_reference(std::string_view text);

/// 2 to 35 letters, digits and dashes: enough for any BCP 47 tag; whether there is such a language is not asked.
bool is_locale(std::string_view text);

struct erasure_request {
  std::string actor;
  std::string reason;
};

using event_detail = std::variant<std::monostate, speech_segments, account_fact, conversation_fact, review_answer,
                                  admin_command, erasure_request>;
static_assert(std::variant_size_v<event_detail> == event_kind_count,
              "one alternative for each kind, and event_kind_count; monostate is that of stt");

/// `source` of the commands that the engine writes itself when its configuration has changed.
inline constexpr std::string_view config_source = "fairuse/config";

/// The idempotency key in the sender's own words.
struct event_text {
  std::string_view source;
  std::string_view id;
};

/// One fact. REQUIRES of its maker: `key` is event_key(source, id); `instant` is `time` plus the end of the last
/// segment; `detail` is the alternative that belongs to `kind` (monostate or nullptr for speech in `ms` and for stt).
struct event {
  time_ms instant = 0;
  time_ms time = 0;
  std::uint64_t key = 0;
  const event_text* text = nullptr;
  const event_detail* detail = nullptr;
  /// Speech: all of it if there are no segments (0 is a session's heartbeat). STT: what was sent to the provider.
  std::int32_t ms = 0;
  event_kind kind = event_kind::speech;
  lane from = lane::realtime;
};

/// XXH3-64 of source, a zero byte, id.
std::uint64_t event_key(std::string_view source, std::string_view id);

/// The id as decisions name it: the sender's, or 16 hex digits of the key where no text was kept (synthetic traffic).
std::string event_id(const event& what);

/// (instant, source, id): the order of one user's events inside an epoch.
bool before(const event& left, const event& right);

template <class T>
const T& detail_of(const event& what) {
  return std::get<T>(*what.detail);
}

/// Owns what events point at; addresses stay valid until it is cleared or destroyed.
class event_arena {
public:
  const event_text* keep(std::string_view source, std::string_view id);
  const event_detail* keep(event_detail detail);
  std::string_view keep(std::string_view text);
  /// Forget all of it. Some memory is kept for what comes next.
  void clear();

private:
  struct block {
    std::unique_ptr<char[]> bytes;
    std::size_t used = 0;
    std::size_t size = 0;
  };
  char* place_for(std::size_t size, std::size_t alignment);

  std::string_view last_source_;
  std::deque<event_detail> details_;
  std::vector<block> blocks_;
  /// Where the next text goes, unless it is full.
  std::size_t filling_ = 0;
};

std::string_view to_text(lane value);
std::string_view to_text(usage_type value);
std::string_view to_text(stage value);
std::string_view to_text(event_kind value);
/// CloudEvents `type`: `fairuse.speech.v1`.
std::string_view event_type(event_kind value);
std::string_view to_text(admin_verb value);
std::optional<lane> lane_from(std::string_view text);
std::optional<usage_type> usage_type_from(std::string_view text);
std::optional<stage> stage_from(std::string_view text);
std::optional<event_kind> event_kind_from_type(std::string_view text);
std::optional<admin_verb> admin_verb_from(std::string_view text);

} // namespace fairuse
