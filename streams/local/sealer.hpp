// SPDX-License-Identifier: Apache-2.0
//
// Where one epoch ends and the next begins, and what `now` is (docs/local.md). Pure: the driver reads the clock,
// if any, and offers the input's lines in order; a store remembers `sealed()` with the epochs it belongs to.
//
// Invariants
//   1. Epoch numbers are gapless from 1; `now` never goes back.
//   2. Under `clock_kind::events` the epochs follow from the lines alone: not from batches, commits or restarts. A
//      sealer made from `sealed()` and given the lines after that epoch goes on as this one would have.
//   3. Under `clock_kind::events` `now` is the running maximum of accepted instants; before the first speech or STT
//      line it is at most that line's instant, against which lateness is then judged.
// Threads: one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/rules.hpp"

namespace fairuse {

/// What `now` follows. Persistent: never renumber.
enum class clock_kind : std::uint8_t {
  wall = 0,   ///< the wall clock
  events = 1, ///< the instants of the events themselves, for files of the past
};

std::string_view to_text(clock_kind value);

struct sealer_options {
  clock_kind clock = clock_kind::wall;
  std::int64_t retention_ms = 8 * day_ms;
  std::int64_t horizon_ms = horizon_wall_ms;
  /// An epoch has at most so many lines.
  std::uint32_t lines_max = 4'096;
};

/// `now` before the first event.
inline constexpr time_ms not_started = INT64_MIN;

inline bool is_speech_or_stt(const event& what) {
  return what.kind == event_kind::speech or what.kind == event_kind::stt;
}

/// An erasure from before the first speech or STT line that lies ahead of `now`.
struct early_erasure {
  std::string uid;
  time_ms until = 0;
  friend bool operator==(const early_erasure&, const early_erasure&) = default;
};

/// The state that a restart needs.
struct sealer_state {
  /// Number of the last sealed epoch; 0: none.
  std::uint64_t epoch = 0;
  time_ms now = not_started;
  /// The first speech or STT line is still to come.
  bool opening = true;
  /// Its instant, once that is known.
  time_ms first = not_started;
  /// Refusals as `future` since an event was found acceptable or too old.
  std::uint64_t future_run = 0;
  std::vector<early_erasure> erasures;
  friend bool operator==(const sealer_state&, const sealer_state&) = default;
};

class sealer {
public:
  sealer(const sealer_options& options, sealer_state sealed);

  /// How a line was sealed.
  struct offered_line {
    /// It begins a new epoch: whatever was open is sealed without it.
    bool begins = false;
    /// `accepted`, `too_old` or `future`; core refuses the events of erased users.
    applied how = applied::accepted;
  };

  /// clock_kind::events: the first speech or STT line is to be found before a line is offered.
  bool needs_start() const { return open_.opening and first_ == not_started; }

  /// clock_kind::events: what the lines to come say. `now`: the first accepted instant, if none was sealed yet.
  /// `first`: the instant of the first speech or STT line; if the input ends without one (`found` is false) the latest
  /// instant. REQUIRES: needs_start(), no line offered yet.
  void start(time_ms now, time_ms first, bool found);

  /// clock_kind::wall: what the clock says. Takes effect with the next epoch that begins.
  void tick(time_ms clock);

  /// clock_kind::events: the first speech or STT line is still to come.
  bool opening() const { return open_.opening; }

  /// clock_kind::events: this line, offered next, would move `now` by more than unvoted_step_max_ms. The step to the
  /// first speech or STT line is none such.
  bool jumps(const event& what, std::string_view uid) const;

  /// The next line, if it is an event; `refused`: as `future`, because the lines behind it do not follow. REQUIRES: not
  /// needs_start().
  offered_line offer(const event& what, std::string_view uid, bool refused = false);

  /// The next line, if it is none: empty, or refused by the wire.
  offered_line offer_other();

  /// A line of the deployment's own (source fairuse/config). It stays with the lines that follow and is not counted.
  offered_line offer_config_command();

  /// End the open epoch (end of input, end of a batch). REQUIRES: open_lines() > 0.
  void seal();

  /// clock_kind::wall: an epoch without lines, for timers that are due. REQUIRES: open_lines() == 0.
  void seal_empty();

  /// Of the open epoch; if none is open, of the next one unless something moves it.
  std::uint64_t number() const { return open_.epoch + 1; }
  time_ms now() const { return open_.now; }
  /// Lines in the open epoch, own ones included.
  std::uint64_t open_lines() const { return open_lines_; }
  std::uint64_t future_run() const { return open_.future_run; }

  /// As of the last sealed epoch.
  const sealer_state& sealed() const { return sealed_; }

private:
  bool is_erased(const event& what, std::string_view uid) const;
  applied how_late(const event& what) const;
  void move_to(time_ms now);
  offered_line join(bool counts);
  void seal_full();

  sealer_options options_;
  sealer_state sealed_;
  /// `epoch` as of the last sealed epoch, the rest as of the last line.
  sealer_state open_;
  /// While open_.opening: `now` is at most this.
  time_ms first_ = not_started;
  time_ms clock_ = not_started;
  std::uint64_t open_lines_ = 0;
  std::uint32_t counted_lines_ = 0;
};

} // namespace fairuse
