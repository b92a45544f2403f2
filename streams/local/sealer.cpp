// SPDX-License-Identifier: Apache-2.0

#include "streams/local/sealer.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "streams/local/jump_vote.hpp"

namespace fairuse {

std::string_view to_text(clock_kind value) { return value == clock_kind::wall ? "wall" : "events"; }

sealer::sealer(const sealer_options& options, sealer_state sealed) : options_{options}, sealed_{std::move(sealed)} {
  if (options_.clock == clock_kind::wall) sealed_.opening = false;
  open_ = sealed_;
  first_ = open_.first;
}

// An input that ends without speech says nothing about the first one, which the next input may have.
void sealer::start(time_ms now, time_ms first, bool found) {
  assert(needs_start() and open_lines_ == 0);
  if (open_.now == not_started) open_.now = now;
  first_ = std::max(first, open_.now);
  open_.first = found ? first_ : not_started;
}

void sealer::tick(time_ms clock) {
  clock_ = std::max(clock_, clock);
  if (open_lines_ == 0) open_.now = std::max(open_.now, clock_);
}

// The sealer keeps only erasures that lie ahead of the first speech or STT line. Any other one moves `now` to its own
// instant, and what lies before `now` moves nothing. Core decides whether an event is refused: inside an epoch the
// order differs.
bool sealer::is_erased(const event& what, std::string_view uid) const {
  return what.kind != event_kind::erasure
         and std::any_of(open_.erasures.begin(), open_.erasures.end(),
                         [&](const auto& each) { return each.uid == uid and what.instant <= each.until; });
}

sealer::offered_line sealer::join(bool counts) {
  const bool begins = open_lines_ == 0;
  ++open_lines_;
  if (counts) ++counted_lines_;
  return {begins, applied::accepted};
}

applied sealer::how_late(const event& what) const {
  return lateness(what, open_.opening ? first_ : open_.now, options_.retention_ms, options_.horizon_ms);
}

void sealer::move_to(time_ms now) {
  if (now <= open_.now) return;
  if (open_lines_ > 0) seal();
  open_.now = now;
  std::erase_if(open_.erasures, [&](const auto& each) { return each.until <= open_.now; });
}

void sealer::seal_full() {
  if (counted_lines_ >= options_.lines_max) seal();
}

bool sealer::jumps(const event& what, std::string_view uid) const {
  return options_.clock == clock_kind::events and not open_.opening and what.instant > open_.now + unvoted_step_max_ms
         and how_late(what) == applied::accepted and not is_erased(what, uid);
}

sealer::offered_line sealer::offer(const event& what, std::string_view uid, bool refused) {
  assert(not needs_start());
  seal_full();
  const auto how = refused ? applied::future : how_late(what);
  if (options_.clock == clock_kind::events and how == applied::accepted and not is_erased(what, uid)) {
    move_to(open_.opening ? std::min(what.instant, first_) : what.instant);
    if (what.kind == event_kind::erasure and what.instant > open_.now)
      open_.erasures.push_back({std::string(uid), what.instant});
  }
  if (open_.opening and is_speech_or_stt(what) and not refused) {
    open_.opening = false;
    open_.first = not_started;
  }
  open_.future_run = how == applied::future ? open_.future_run + 1 : 0;
  auto result = join(true);
  result.how = how;
  return result;
}

sealer::offered_line sealer::offer_other() {
  seal_full();
  return join(true);
}

sealer::offered_line sealer::offer_config_command() { return join(false); }

void sealer::seal() {
  assert(open_lines_ > 0);
  ++open_.epoch;
  sealed_ = open_;
  open_lines_ = 0;
  counted_lines_ = 0;
  open_.now = std::max(open_.now, clock_);
}

void sealer::seal_empty() {
  assert(open_lines_ == 0);
  ++open_.epoch;
  sealed_ = open_;
}

} // namespace fairuse
