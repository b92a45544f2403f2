// SPDX-License-Identifier: Apache-2.0

#include "streams/local/jump_vote.hpp"

#include <algorithm>

#include "streams/local/sealer.hpp"

namespace fairuse {

namespace {

bool is_near(time_ms left, time_ms right) {
  return left <= right + unvoted_step_max_ms and right <= left + unvoted_step_max_ms;
}

bool same(const heard_line& left, const heard_line& right) {
  return left.what->key == right.what->key and left.uid == right.uid;
}

jump_outcome count_votes(const heard_line& jump, time_ms now, time_ms latest, const lines_behind& behind) {
  jump_outcome made{.now = now};
  std::vector<heard_line> known{jump};
  for (const auto& line : behind.lines) {
    if (line.what == nullptr or line.what->instant > latest) continue;
    if (std::any_of(known.begin(), known.end(), [&](const heard_line& each) { return same(each, line); })) continue;
    const bool agrees = line.what->instant >= jump.what->instant - unvoted_step_max_ms;
    if (not agrees and not is_near(line.what->instant, now)) continue;
    known.push_back(line);
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

jump_outcome judge_jump(const heard_line& jump, time_ms now, std::int64_t horizon_ms, const lines_behind& behind) {
  return count_votes(jump, now, now + horizon_ms, behind);
}

jump_outcome judge_first(const heard_line& first, std::int64_t horizon_ms, const lines_behind& behind) {
  const auto next = std::find_if(behind.lines.begin(), behind.lines.end(), [&](const heard_line& line) {
    return line.what != nullptr and not same(line, first) and is_speech_or_stt(*line.what);
  });
  if (next == behind.lines.end()) return {behind.complete ? jump_ruling::none : jump_ruling::open};
  const auto now = next->what->instant;
  if (first.what->instant <= now + unvoted_step_max_ms) return {};
  return count_votes(first, now, first.what->instant + horizon_ms, behind);
}

} // namespace fairuse
