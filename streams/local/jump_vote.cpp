// SPDX-License-Identifier: Apache-2.0

#include "streams/local/jump_vote.hpp"

#include <algorithm>

#include "streams/local/sealer.hpp"

namespace fairuse {

namespace {

bool is_near(time_ms left, time_ms right) {
  return left <= right + unvoted_step_max_ms and right <= left + unvoted_step_max_ms;
}

jump_outcome count_votes(const event& jump, time_ms now, time_ms latest, const lines_behind& behind) {
  jump_outcome made{.now = now};
  std::vector<std::uint64_t> known{jump.key};
  for (const auto* line : behind.lines) {
    if (line == nullptr or line->instant > latest) continue;
    if (std::find(known.begin(), known.end(), line->key) != known.end()) continue;
    const bool agrees = line->instant >= jump.instant - unvoted_step_max_ms;
    if (not agrees and not is_near(line->instant, now)) continue;
    known.push_back(line->key);
    if (++(agrees ? made.votes_for : made.votes_against) < jump_votes_enough) continue;
    made.ruling = agrees ? jump_ruling::followed : jump_ruling::refused;
    return made;
  }
  if (not behind.complete)
    made.ruling = jump_ruling::open;
  else
    made.ruling = made.votes_against > made.votes_for ? jump_ruling::refused : jump_ruling::followed;
  return made;
}

} // namespace

jump_outcome judge_jump(const event& jump, time_ms now, std::int64_t horizon_ms, const lines_behind& behind) {
  return count_votes(jump, now, now + horizon_ms, behind);
}

jump_outcome judge_first(const event& first, std::int64_t horizon_ms, const lines_behind& behind) {
  const auto next = std::find_if(behind.lines.begin(), behind.lines.end(), [&](const event* line) {
    return line != nullptr and line->key != first.key and is_speech_or_stt(*line);
  });
  if (next == behind.lines.end()) return {behind.complete ? jump_ruling::none : jump_ruling::open};
  const auto now = (*next)->instant;
  if (first.instant <= now + unvoted_step_max_ms) return {};
  return count_votes(first, now, first.instant + horizon_ms, behind);
}

} // namespace fairuse
