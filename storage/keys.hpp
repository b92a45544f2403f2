// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to storage. Keys of all rows: a type byte first, numbers big-endian so that byte order is time order, uids
// behind their length so that no user's rows are a prefix of another's.
//
//   'a'                                  the anchor: written by the first commit, never again
//   'm'                                  the meta row
//   'u' length uid kind [hour | slot]    a user's rows, together and in this order: core, standings, conversations,
//                                        hours of usage; one seek and a walk read them all
//   't' length uid now epoch index       a decision on a user with a mark: their own log
//   'd' length uid                       when the user's next timer is due (value: 8 bytes)
//   'e' keyed hash                       an erased user
//   'p' digest                           text of a policy
//   'c' 64-bit hash                      controls that the journal refers to
//   'j' now commit, 'i' now commit       journal block, input block
//   'o' now epoch index                  a decision
//   'x' now epoch index                  a dead letter
//
// Keys of logs start with the time, so retention needs keys alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/id_log.hpp"
#include "events/event.hpp"

namespace fairuse::keys {

/// 4 and 5 were hours of buckets and of ids apart.
enum class user_row : char { core = 1, standing = 2, conversations = 3, hour = 6 };

inline constexpr std::size_t uid_bytes_max = 256;
inline constexpr char user_type = 'u';
inline constexpr char user_log_type = 't';
inline constexpr char due_type = 'd';
inline constexpr char erased_type = 'e';
inline constexpr char journal_type = 'j';
inline constexpr char input_type = 'i';
inline constexpr char decision_type = 'o';
inline constexpr char dead_letter_type = 'x';
inline constexpr std::string_view meta = "m";
inline constexpr std::string_view anchor = "a";

/// What all rows of the user begin with.
std::string user_prefix(std::string_view uid);
std::string core(std::string_view prefix);
std::string standing(std::string_view prefix, std::string_view slot);
std::string conversations(std::string_view prefix);
std::string hour(std::string_view prefix, user_row kind, hour_number at);

/// What all of the user's own log begins with.
std::string user_log_prefix(std::string_view uid);
std::string user_log(std::string_view uid, time_ms now, std::uint64_t epoch, std::uint32_t index);

std::string due(std::string_view uid);
std::string erased(std::string_view hash);
std::string policy(std::string_view digest);
std::string controls(std::uint64_t hash);
/// Journal and input blocks: one of each a commit.
std::string commit(char type, time_ms now, std::uint64_t number);
/// Decisions and dead letters.
std::string entry(char type, time_ms now, std::uint64_t epoch, std::uint32_t index);
/// The first key of a log that is not before `floor`.
std::string floor(char type, time_ms floor);

/// A user row's key, taken apart.
struct user_row_key {
  std::string_view uid;
  user_row kind = user_row::core;
  /// The slot's name, for standings.
  std::string_view rest;
  hour_number hour = 0;
};
std::optional<user_row_key> parse_user_row(std::string_view key);
/// The same of what stands behind user_prefix(); without a uid.
std::optional<user_row_key> parse_behind_prefix(std::string_view rest);
struct user_log_key {
  std::string_view uid;
  time_ms now = 0;
};
std::optional<user_log_key> parse_user_log(std::string_view key);
/// The uid of a due row.
std::optional<std::string_view> parse_due(std::string_view key);

/// Time, and commit or epoch, of a log key.
struct log_key {
  time_ms now = 0;
  std::uint64_t number = 0;
};
std::optional<log_key> parse_log(std::string_view key);

} // namespace fairuse::keys
