// SPDX-License-Identifier: Apache-2.0

#include "streams/local/local_source.hpp"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <utility>

#include "streams/failpoint.hpp"
#include "streams/refusal_of.hpp"

namespace fairuse {

void sealed_lines::clear() {
  ranges.clear();
  refused.clear();
  lines = 0;
  config_commands = 0;
  empty_lines = 0;
  events = 0;
}

local_source::local_source(local_source_options options, batch_queue& from)
  : options_{std::move(options)}, from_{from}, sealer_{options_.sealing, options_.state} {}

void local_source::put_first(std::unique_ptr<input_batch> own) { batches_.push_front(std::move(own)); }

void local_source::put_spooled(std::unique_ptr<input_batch> batch) {
  assert(options_.sealing.clock == clock_kind::wall);
  batches_.push_back(std::move(batch));
}

bool local_source::take_batch() {
  auto batch = from_.pop();
  if (batch == nullptr) return false;
  batches_.push_back(std::move(batch));
  return true;
}

// Whether there is a line of the same content at `at`, if need be after taking a batch from the queue.
bool local_source::has_line(place& at) {
  while (at.batch < batches_.size() or take_batch()) {
    if (at.line < batches_[at.batch]->lines.size()) return true;
    if (ends_content(at)) return false;
    ++at.batch;
    at.line = 0;
  }
  return false;
}

bool local_source::ends_content(place at) const {
  return at.batch < batches_.size() and batches_[at.batch]->ends_content
         and at.line >= batches_[at.batch]->lines.size();
}

// As in a run of its own: what is sealed is all that is known.
void local_source::begin_next_content() {
  assert(at_content_end());
  sealer_ = sealer{options_.sealing, sealer_.sealed()};
  cursor_ = {cursor_.batch + 1, 0};
  if (waiting_own_ != nullptr)
    batches_.insert(batches_.begin() + static_cast<std::ptrdiff_t>(cursor_.batch), std::move(waiting_own_));
  scanned_ = cursor_;
  scanned_instant_ = scanned_before_ = not_started;
}

bool local_source::keep_unrepeatable_lines() {
  stopping_ = true;
  while (take_batch() or not from_.at_end())
    from_.wait(std::chrono::milliseconds{100});
  while (not batches_.empty() and not batches_.back()->ends_content)
    batches_.pop_back();
  return cursor_.batch < batches_.size();
}

heard_line local_source::heard(place at) {
  const auto& batch = *batches_[at.batch];
  const auto* what = event_of(batch, at.line);
  return {what, what != nullptr ? uid_of(batch, at.line) : std::string_view()};
}

// Without waiting: what has not come yet is missing.
lines_behind local_source::read_behind(place at) {
  lines_behind found;
  for (++at.line; found.lines.size() < jump_lines_max and has_line(at); ++at.line)
    found.lines.push_back(heard(at));
  found.complete = found.lines.size() == jump_lines_max or is_whole_at(at);
  return found;
}

// Lines behind are only looked at. Each is judged itself when its turn comes.
jump_outcome local_source::judge(place at) {
  const auto& batch = *batches_[at.batch];
  const auto line = batch.own ? heard_line{} : heard(at);
  if (line.what == nullptr) return {};
  const auto horizon = options_.sealing.horizon_ms;
  if (sealer_.opening() and is_speech_or_stt(*line.what)) return judge_first(line, horizon, read_behind(at));
  if (not sealer_.jumps(*line.what, line.uid)) return {};
  return judge_jump(line, sealer_.now(), horizon, read_behind(at));
}

// Under the events' clock nothing can run before the instant of the first speech or STT line is known, so find it. At
// the end of an input without one, the latest instant takes its place.
bool local_source::find_first() {
  while (has_line(scanned_)) {
    const auto& batch = *batches_[scanned_.batch];
    const auto* what = batch.own ? nullptr : event_of(batch, scanned_.line);
    if (what != nullptr and is_speech_or_stt(*what)) {
      const auto ruling = judge(scanned_).ruling;
      if (ruling == jump_ruling::open) return false;
      if (ruling != jump_ruling::refused) {
        start_clock(what->instant, true);
        return true;
      }
    } else if (what != nullptr) {
      scan_instant(batch.first_line + scanned_.line, what->instant);
    }
    ++scanned_.line;
  }
  const auto latest = std::max(scanned_instant_, sealer_.now());
  if (not is_whole_at(scanned_) or latest == not_started) return false;
  const auto before = std::max(scanned_before_, sealer_.now());
  if (before != not_started and latest > before + unvoted_step_max_ms)
    options_.told_clock_without_speech(scanned_line_, latest);
  start_clock(latest, false);
  return true;
}

void local_source::scan_instant(std::uint64_t line, time_ms instant) {
  if (instant <= scanned_instant_) {
    scanned_before_ = std::max(scanned_before_, instant);
    return;
  }
  scanned_before_ = std::exchange(scanned_instant_, instant);
  scanned_line_ = line;
}

// `now` begins with the first accepted instant. The lines before it, and the deployment's own, run at it, too. Speech
// before the first line of it was refused.
void local_source::start_clock(time_ms first, bool found) {
  const auto& sealing = options_.sealing;
  auto now = first;
  for (auto at = cursor_; has_line(at) and at != scanned_; ++at.line) {
    const auto& batch = *batches_[at.batch];
    const auto* what = batch.own ? nullptr : event_of(batch, at.line);
    if (what == nullptr or is_speech_or_stt(*what)) continue;
    if (lateness(*what, first, sealing.retention_ms, sealing.horizon_ms) != applied::accepted) continue;
    now = std::min(what->instant, first);
    break;
  }
  sealer_.start(now, first, found);
}

sealer::offered_line local_source::offer(const input_batch& batch, std::size_t line, bool refused) {
  if (batch.own) return sealer_.offer_config_command();
  if (const auto* what = event_of(batch, line)) return sealer_.offer(*what, uid_of(batch, line), refused);
  return sealer_.offer_other();
}

// What a person should hear of, since nothing else shows it.
void local_source::tell(const input_batch& batch, std::size_t line, const jump_outcome& judged, applied how) {
  const auto* what = batch.own ? nullptr : event_of(batch, line);
  if (what == nullptr) return;
  const auto number = batch.first_line + line;
  if (judged.ruling != jump_ruling::none) options_.told_jump({number, what->instant, judged});
  too_old_run_ = how == applied::too_old ? too_old_run_ + 1 : 0;
  if (too_old_run_ < options_.too_old_run_max or told_too_old_) return;
  told_too_old_ = true;
  options_.told_too_old(number);
}

// A file of the past under the wall clock is refused before anything of it is metered as a late upload.
bool local_source::refuse_old_file(const input_batch& batch, std::size_t line) {
  const auto& what = batch.lines[line];
  if (first_event_seen_ or batch.own or not batch.spooled.empty() or what.kind != line_kind::event) return false;
  first_event_seen_ = true;
  if (not options_.first_not_before or batch.events[what.index].what.instant >= *options_.first_not_before)
    return false;
  stopped_ = source_stop::file_of_past;
  stopped_at_ = batch.first_line + line;
  return true;
}

void local_source::join(const std::shared_ptr<input_batch>& batch, std::size_t line, applied how) {
  if (open_.lines.ranges.empty() or open_.lines.ranges.back().batch != batch)
    open_.lines.ranges.push_back({batch, static_cast<std::uint32_t>(line), 0});
  ++open_.lines.ranges.back().count;
  ++open_.lines.lines;
  open_.lines.config_commands += batch->own ? 1 : 0;
  const auto& what = batch->lines[line];
  const auto refuse = [&](refusal why) {
    open_.lines.refused.push_back(
        {static_cast<std::uint32_t>(open_.lines.ranges.size() - 1), static_cast<std::uint32_t>(line), why});
  };
  if (what.kind == line_kind::empty)
    ++open_.lines.empty_lines;
  else if (what.kind == line_kind::refused)
    refuse(batch->refusals[what.index].why);
  else if (how != applied::accepted)
    refuse(refusal_of(how).why);
  else if (what.kind == line_kind::command)
    open_.commands.push_back(batch->commands[what.index]);
  else
    ++open_.lines.events;
}

// At the end of an input without events: lines that the wire refused are kept, in an epoch without users.
bool local_source::skip_to_refused() {
  if (not is_whole_at(scanned_)) return false;
  for (; has_line(cursor_) and batches_[cursor_.batch]->own; ++cursor_.line)
    waiting_own_ = batches_[cursor_.batch];
  return has_line(cursor_);
}

// Take lines until one begins the next epoch; that line is then the first of the open one.
std::optional<local_epoch> local_source::cut() {
  while (has_line(cursor_)) {
    if (sealer_.needs_start() and not find_first() and not skip_to_refused()) return std::nullopt;
    const auto& batch = batches_[cursor_.batch];
    const auto line = cursor_.line;
    if (refuse_old_file(*batch, line)) return std::nullopt;
    const auto judged = judge(cursor_);
    if (judged.ruling == jump_ruling::open) return std::nullopt;
    const auto offered = offer(*batch, line, judged.ruling == jump_ruling::refused);
    tell(*batch, line, judged, offered.how);
    if (sealer_.future_run() >= options_.future_run_max) {
      stopped_ = source_stop::too_far_ahead;
      stopped_at_ = batch->first_line + line;
    }
    std::optional<local_epoch> ended;
    if (offered.begins and open_.lines.lines > 0) ended = close_open();
    if (offered.begins) open_next();
    join(batch, line, offered.how);
    ++cursor_.line;
    if (ended) return ended;
    if (stopped_ != source_stop::none) return std::nullopt;
  }
  return std::nullopt;
}

std::optional<local_epoch> local_source::seal() {
  drop_read_batches();
  if (stopped_ != source_stop::none) return std::nullopt;
  const bool wall = options_.sealing.clock == clock_kind::wall;
  if (wall) sealer_.tick(options_.clock());
  std::optional<local_epoch> ended;
  // What waits for lines behind it is looked at again if the input has ended in the meantime.
  do {
    at_end_ = from_.at_end();
    at_whole_end_ = options_.until_end and not stopping_ and from_.at_whole_end();
    ended = cut();
  } while (not ended and stopped_ == source_stop::none and at_end_ != from_.at_end());
  if (ended or stopped_ != source_stop::none) return ended;
  const bool timer = wall and timer_due_ <= sealer_.now();
  const bool whole = is_whole_at(cursor_);
  const bool owed = owes_epoch_ and (wall or whole);
  // The configuration's first commands wait for an event or a timer.
  const bool matters = open_.lines.lines > open_.lines.config_commands or timer or owed;
  if (open_.lines.lines > 0 and ((wall and matters) or whole)) {
    sealer_.seal();
  } else if ((timer or owed) and open_.lines.lines == 0) {
    open_next();
    sealer_.seal_empty();
  } else {
    return std::nullopt;
  }
  return close_open();
}

void local_source::open_next() {
  open_.number = sealer_.number();
  // Without an event `now` has no value yet, and no user runs in this epoch.
  open_.now = sealer_.now() == not_started ? 0 : sealer_.now();
}

local_epoch local_source::close_open() {
  owes_epoch_ = false;
  std::swap(sealed_, open_);
  open_.lines.clear();
  open_.commands.clear();
  failpoint::pass("epoch_sealed");
  return {{.number = sealed_.number, .now = sealed_.now, .events = gather_events(), .commands = sealed_.commands},
          &sealed_.lines};
}

// The epoch's events in input order: mostly a range of one batch, as it lies.
std::span<const addressed_event> local_source::gather_events() {
  if (sealed_.lines.ranges.size() == 1 and sealed_.lines.refused.empty()) {
    const auto& range = sealed_.lines.ranges.front();
    for (std::uint32_t i = range.first; i < range.first + range.count; ++i)
      if (range.batch->lines[i].kind == line_kind::event)
        return {range.batch->events.data() + range.batch->lines[i].index, sealed_.lines.events};
    return {};
  }
  gathered_.clear();
  auto refused = sealed_.lines.refused.begin();
  for (std::uint32_t r = 0; r < sealed_.lines.ranges.size(); ++r) {
    const auto& range = sealed_.lines.ranges[r];
    for (std::uint32_t i = range.first; i < range.first + range.count; ++i) {
      if (refused != sealed_.lines.refused.end() and refused->range == r and refused->line == i)
        ++refused;
      else if (range.batch->lines[i].kind == line_kind::event)
        gathered_.push_back(range.batch->events[range.batch->lines[i].index]);
    }
  }
  return gathered_;
}

void local_source::drop_read_batches() {
  sealed_.lines.clear();
  while (cursor_.batch > 0) {
    batches_.pop_front();
    --cursor_.batch;
    scanned_.batch -= scanned_.batch > 0 ? 1 : 0;
  }
}

} // namespace fairuse
