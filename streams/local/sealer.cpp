// SPDX-License-Identifier: Apache-2.0

#include "streams/local/sealer.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace fairuse {

std::string_view to_text(clock_kind value) { return value == clock_kind::wall ? "wall" : "events"; }

sealer::sealer(const sealer_options& options, sealer_state sealed)
  : options_{options}, sealed_{std::move(sealed)}, open_{sealed_} {}

void sealer::start(time_ms now, std::uint64_t opening) {
  assert(not started() and open_lines_ == 0);
  open_.now = now;
  open_.opening = opening;
}

void sealer::tick(time_ms clock) {
  clock_ = std::max(clock_, clock);
  if (open_lines_ == 0) open_.now = std::max(open_.now, clock_);
}

// The sealer keeps only erasures from before `now` had a value. Any later one moves `now` to its own instant, and what
// lies before `now` moves nothing. Core decides whether an event is refused: inside an epoch the order differs.
bool sealer::is_erased(const event& what, std::string_view uid) const {
  return what.kind != event_kind::erasure
         and std::any_of(open_.erasures.begin(), open_.erasures.end(),
                         [&](const auto& each) { return each.uid == uid and what.instant <= each.until; });
}

sealer::offered_line sealer::join(bool counts) {
  const bool begins = open_lines_ == 0;
  ++open_lines_;
  if (counts) {
    ++counted_lines_;
    if (open_.opening > 0) --open_.opening;
  }
  return {begins, applied::accepted};
}

void sealer::seal_full() {
  if (counted_lines_ >= options_.lines_max) seal();
}

sealer::offered_line sealer::offer(const event& what, std::string_view uid) {
  assert(started());
  seal_full();
  const auto how = lateness(what, open_.now, options_.retention_ms, options_.horizon_ms);
  const bool ahead = options_.clock == clock_kind::events and how == applied::accepted and what.instant > open_.now
                     and not is_erased(what, uid);
  if (ahead and open_.opening == 0) {
    if (open_lines_ > 0) seal();
    open_.now = what.instant;
    std::erase_if(open_.erasures, [&](const auto& each) { return each.until <= open_.now; });
  } else if (ahead and what.kind == event_kind::erasure) {
    open_.erasures.push_back({std::string(uid), what.instant});
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
