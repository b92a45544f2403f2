// SPDX-License-Identifier: Apache-2.0
//
// Whether a line that lies far ahead of `now` may move it: the lines behind it vote (docs/local.md). Pure.
//
// Invariant: an outcome other than `open` holds whatever lines are added, so it follows from the input alone and not
// from how much of it had come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "events/event.hpp"

namespace fairuse {

/// A step of `now` that is larger waits for a vote.
inline constexpr std::int64_t unvoted_step_max_ms = day_ms;
/// So many lines behind the jump are heard, and so many votes for one side decide.
inline constexpr std::size_t jump_lines_max = 64;
inline constexpr std::uint32_t jump_votes_enough = 3;

enum class jump_ruling : std::uint8_t {
  none,     ///< no jump
  open,     ///< more lines are needed
  followed, ///< `now` goes to the line's instant
  refused,  ///< as `future`
};

struct jump_outcome {
  jump_ruling ruling = jump_ruling::none;
  /// What it jumps from.
  time_ms now = 0;
  std::uint32_t votes_for = 0;
  std::uint32_t votes_against = 0;
  friend bool operator==(const jump_outcome&, const jump_outcome&) = default;
};

/// A line; ids belong to users, so the same (source, id) of another user is another event.
struct heard_line {
  /// nullptr: it is no event.
  const event* what = nullptr;
  std::string_view uid;
};

/// Of those that came so far, the first jump_lines_max.
struct lines_behind {
  std::vector<heard_line> lines;
  /// None is added: there are jump_lines_max, or the input is sealed at its end.
  bool complete = false;
};

/// REQUIRES of both: the jump is an event.
/// A line more than unvoted_step_max_ms ahead of `now`. A line behind it votes for it if its instant is at most
/// unvoted_step_max_ms before the jump's, else against it if it is within unvoted_step_max_ms of `now`. Each user's
/// (source, id) has one vote; the jump's own has none, and neither has a line that is `future` at `now`.
/// jump_votes_enough votes for one side decide; once the lines are complete, the majority. A tie follows the jump.
jump_outcome judge_jump(const heard_line& jump, time_ms now, std::int64_t horizon_ms, const lines_behind& behind);

/// The first speech or STT line, which has no `now` to jump from: the instant of the next one (of another user, source
/// or id) takes its place if it lies more than unvoted_step_max_ms before; else it is no jump. Since either may be
/// wrong, only what would be `future` after the jump has no vote.
jump_outcome judge_first(const heard_line& first, std::int64_t horizon_ms, const lines_behind& behind);

} // namespace fairuse
