// SPDX-License-Identifier: Apache-2.0
//
// Local mode's source of epochs: takes decoded batches from the reader's queue, lets the sealer cut them, and keeps the
// lines of every epoch, so that the sink can write input log, journal and dead letters.
//
// Threads: the worker's thread. The queue is the only thing shared with the reader.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/epoch.hpp"
#include "streams/local/batch_queue.hpp"
#include "streams/local/jump_vote.hpp"
#include "streams/local/sealer.hpp"

namespace fairuse {

/// Lines [first, first + count) of a batch.
struct line_range {
  std::shared_ptr<const input_batch> batch;
  std::uint32_t first = 0;
  std::uint32_t count = 0;
};

/// A line that the wire or sealing refused.
struct refused_line {
  std::uint32_t range = 0;
  std::uint32_t line = 0;
  refusal why = refusal::not_json;
};

/// What an epoch was made of.
struct sealed_lines {
  std::vector<line_range> ranges;
  std::vector<refused_line> refused;
  std::uint64_t lines = 0;
  /// Of them, the deployment's own.
  std::uint64_t config_commands = 0;
  std::uint64_t empty_lines = 0;
  /// Handed on to users.
  std::uint64_t events = 0;

  void clear();
};

/// Valid until the next call of seal().
struct local_epoch {
  epoch sealed;
  const sealed_lines* lines = nullptr;
};

/// Why the source stopped.
enum class source_stop : std::uint8_t {
  none,
  too_far_ahead, ///< future_run_max lines in a row were `future`
  file_of_past,  ///< the first event is older than first_not_before
};

/// A line that lies far ahead of those before it, and whether `now` followed it.
struct judged_jump {
  std::uint64_t line = 0;
  time_ms instant = 0;
  jump_outcome outcome;
};

struct local_source_options {
  sealer_options sealing;
  sealer_state state;
  /// Seal what is open when the input ends.
  bool until_end = false;
  std::uint64_t future_run_max = 1'000;
  /// So many lines in a row that are `too_old` are told, once.
  std::uint64_t too_old_run_max = 1'000;
  /// Instant that the first event must reach; unset: any will do.
  std::optional<time_ms> first_not_before;
  /// The wall clock.
  std::function<time_ms()> clock;
  /// From seal(), for people: every jump, and the number of the last of too_old_run_max lines.
  std::function<void(const judged_jump&)> told_jump = [](const judged_jump&) {};
  std::function<void(std::uint64_t)> told_too_old = [](std::uint64_t) {};
  /// And the line that sets the clock of an input without speech, if it lies over 24 hours after all others.
  std::function<void(std::uint64_t, time_ms)> told_clock_without_speech = [](std::uint64_t, time_ms) {};
};

class local_source {
public:
  local_source(local_source_options options, batch_queue& from);

  /// The deployment's own lines; they come before everything that is in the queue. REQUIRES: before the first seal().
  void put_first(std::unique_ptr<input_batch> own);

  /// Lines of the second input come as soon as those that are here are sealed. REQUIRES: clock_kind::wall.
  void put_spooled(std::unique_ptr<input_batch> batch);

  /// A timer is due at `due`: under the wall clock an epoch is sealed for it even without lines.
  void expect_timer(time_ms due) { timer_due_ = due; }

  /// What the start of the run changed must be kept: an epoch is sealed for it even without lines, under the wall clock
  /// at once, else at the end of the input.
  void owe_epoch() { owes_epoch_ = true; }

  /// The next epoch; nothing: no line ends one now.
  std::optional<local_epoch> seal();

  /// As of the epoch that seal() gave last.
  const sealer_state& state() const { return sealer_.sealed(); }
  /// Nothing will come: the input is at its end, and what could be sealed was.
  bool at_end() const { return at_end_; }

  /// The lines up to an ends_content are sealed, as at the end of an input that is sealed there: seal() gives nothing
  /// until they are committed and begin_next_content() is called.
  bool at_content_end() const { return open_.lines.lines == 0 and ends_content(cursor_); }
  /// REQUIRES: at_content_end().
  void begin_next_content();

  /// After the reader was asked to stop: drop the lines that the next run reads again. False: none is left. Waits for
  /// the reader's end.
  bool keep_unrepeatable_lines();

  /// told_too_old was called.
  bool told_too_old() const { return told_too_old_; }
  source_stop stopped() const { return stopped_; }
  /// Number of the line that stopped it.
  std::uint64_t stopped_at() const { return stopped_at_; }

private:
  struct place {
    std::size_t batch = 0;
    std::size_t line = 0;
    friend bool operator==(const place&, const place&) = default;
  };
  struct epoch_lines {
    std::uint64_t number = 0;
    time_ms now = 0;
    sealed_lines lines;
    std::vector<event> commands;
  };

  bool take_batch();
  bool has_line(place& at);
  bool ends_content(place at) const;
  bool is_whole_at(place at) const { return at_whole_end_ or ends_content(at); }
  bool find_first();
  void scan_instant(std::uint64_t line, time_ms instant);
  void start_clock(time_ms first, bool found);
  heard_line heard(place at);
  lines_behind read_behind(place at);
  jump_outcome judge(place at);
  void tell(const input_batch& batch, std::size_t line, const jump_outcome& judged, applied how);
  sealer::offered_line offer(const input_batch& batch, std::size_t line, bool refused);
  bool refuse_old_file(const input_batch& batch, std::size_t line);
  void join(const std::shared_ptr<input_batch>& batch, std::size_t line, applied how);
  bool skip_to_refused();
  std::optional<local_epoch> cut();
  void open_next();
  local_epoch close_open();
  std::span<const addressed_event> gather_events();
  void drop_read_batches();

  local_source_options options_;
  batch_queue& from_;
  sealer sealer_;
  std::deque<std::shared_ptr<input_batch>> batches_;
  place cursor_;
  /// The deployment's own lines, while they wait for content with events.
  std::shared_ptr<input_batch> waiting_own_;
  /// How far find_first() has read, the latest instant there with its line, and the one before it in order.
  place scanned_;
  time_ms scanned_instant_ = not_started;
  std::uint64_t scanned_line_ = 0;
  time_ms scanned_before_ = not_started;

  /// The epoch that takes lines, and the one that seal() gave last.
  epoch_lines open_;
  epoch_lines sealed_;
  std::vector<addressed_event> gathered_;

  time_ms timer_due_ = never;
  bool owes_epoch_ = false;
  std::uint64_t too_old_run_ = 0;
  bool told_too_old_ = false;
  bool first_event_seen_ = false;
  bool at_end_ = false;
  bool stopping_ = false;
  /// at_end(), and what is open is to be sealed.
  bool at_whole_end_ = false;
  source_stop stopped_ = source_stop::none;
  std::uint64_t stopped_at_ = 0;
};

} // namespace fairuse
