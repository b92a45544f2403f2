// SPDX-License-Identifier: Apache-2.0

#include "streams/local/local_source.hpp"

#include <algorithm>
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

// Whether there is a line at `at`, if need be after taking a batch from the queue.
bool local_source::has_line(place& at) {
  while (true) {
    if (at.batch < batches_.size()) {
      if (at.line < batches_[at.batch]->lines.size()) return true;
      ++at.batch;
      at.line = 0;
      continue;
    }
    auto batch = from_.pop();
    if (batch == nullptr) return false;
    batches_.push_back(std::move(batch));
  }
}

// Under the events' clock nothing can run before the first speech or STT event, so find it. At the end of an input
// without one, the other events run at the latest instant among them.
bool local_source::start_clock() {
  while (has_line(scanned_)) {
    const auto& batch = *batches_[scanned_.batch];
    const auto& line = batch.lines[scanned_.line];
    const event* what = nullptr;
    if (line.kind == line_kind::event)
      what = &batch.events[line.index].what;
    else if (line.kind == line_kind::command)
      what = &batch.commands[line.index];
    if (what != nullptr and (what->kind == event_kind::speech or what->kind == event_kind::stt)) {
      sealer_.start(what->instant, scanned_lines_);
      return true;
    }
    if (what != nullptr and not batch.own) scanned_instant_ = std::max(scanned_instant_, what->instant);
    scanned_lines_ += batch.own ? 0 : 1;
    ++scanned_.line;
  }
  if (not options_.until_end or not from_.at_whole_end() or scanned_instant_ == not_started) return false;
  sealer_.start(scanned_instant_, scanned_lines_);
  return true;
}

sealer::offered_line local_source::offer(const input_batch& batch, std::size_t line) {
  if (batch.own) return sealer_.offer_config_command();
  const auto& what = batch.lines[line];
  if (what.kind == line_kind::event) return sealer_.offer(batch.events[what.index].what, batch.events[what.index].uid);
  if (what.kind == line_kind::command) return sealer_.offer(batch.commands[what.index], "*");
  return sealer_.offer_other();
}

// A file of the past under the wall clock is refused before anything of it is metered as a late upload.
bool local_source::refuse_old_file(const input_batch& batch, std::size_t line) {
  const auto& what = batch.lines[line];
  if (first_event_seen_ or batch.own or what.kind != line_kind::event) return false;
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
    refuse(refusal_of(how));
  else if (what.kind == line_kind::command)
    open_.commands.push_back(batch->commands[what.index]);
  else
    ++open_.lines.events;
}

// At the end of an input without events: lines that the wire refused are kept, in an epoch without users.
bool local_source::skip_to_refused() {
  if (not options_.until_end or not from_.at_whole_end()) return false;
  while (has_line(cursor_) and batches_[cursor_.batch]->own)
    ++cursor_.line;
  return has_line(cursor_);
}

// Take lines until one begins the next epoch; that line is then the first of the open one.
std::optional<local_epoch> local_source::cut() {
  while (has_line(cursor_)) {
    if (not sealer_.started() and not start_clock() and not skip_to_refused()) return std::nullopt;
    const auto& batch = batches_[cursor_.batch];
    const auto line = cursor_.line;
    if (refuse_old_file(*batch, line)) return std::nullopt;
    const auto offered = offer(*batch, line);
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
  auto ended = cut();
  if (ended or stopped_ != source_stop::none) return ended;
  // Lines that are left now wait for a first speech event that will not come.
  at_end_ = from_.at_end();
  const bool timer = wall and timer_due_ <= sealer_.now();
  // The configuration's commands wait for an event or a timer.
  const bool matters = open_.lines.lines > open_.lines.config_commands or timer;
  if (open_.lines.lines > 0 and ((wall and matters) or (options_.until_end and at_end_ and from_.at_whole_end()))) {
    sealer_.seal();
  } else if (timer and open_.lines.lines == 0) {
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
  open_.now = sealer_.started() ? sealer_.now() : 0;
}

local_epoch local_source::close_open() {
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
