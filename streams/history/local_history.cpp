// SPDX-License-Identifier: Apache-2.0
#include "streams/history/local_history.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "base/pure/numbers.hpp"
#include "core/rules.hpp"
#include "storage/local_reader.hpp"
#include "streams/history/checkpoint_of.hpp"
#include "streams/history/decided_reviews.hpp"
#include "streams/history/erased_before.hpp"
#include "streams/history/policies_in_force.hpp"
#include "streams/local/input_batch.hpp"
#include "streams/local/sealer.hpp"
#include "streams/policy_choice.hpp"

namespace fairuse::history {

namespace {

constexpr std::size_t commits_at_once = 4;
constexpr std::size_t decisions_at_once = 4'096;
constexpr std::uint64_t states_per_tell = 10'000;

/// Of the only partition.
constexpr std::int32_t only_partition = 0;

class local_packing {
public:
  local_packing(const local_reader& from, const source_hooks& with, packer& to, history_contents& into)
    : from_(from),
      with_(with),
      to_(to),
      into_(into),
      policies_(
          only_partition, [&from](const std::string& digest) { return from.policy_text(digest); }, into),
      erased_(with.case_key) {}

  result<void, store_error> run() {
    describe_deployment();
    const auto begins = begin();
    if (not begins) return begins.error();
    auto at = *begins;
    for (;;) {
      const auto some = from_.logs().commits(at, commits_at_once);
      if (not some) return some.error();
      if (some->empty()) break;
      for (const auto& each : *some)
        if (auto done = take(each); not done) return done;
      if (auto done = with_.tell(last_->epoch, from_.meta().epoch); not done) return done;
    }
    const bool whole = last_ ? first_epoch_ == 1 : from_.meta().epoch == 0;
    into_.start = not into_.checkpoints.empty() ? history_start::checkpoint
                  : whole                       ? history_start::first_epoch
                                                : history_start::cold;
    return take_reviews();
  }

private:
  struct reached {
    std::uint64_t commit = 0;
    std::uint64_t epoch = 0;
  };

  // Where commits are read from: the first one, or behind the oldest checkpoint that what is kept follows.
  result<log_cursor, store_error> begin() {
    log_cursor first;
    const auto some = from_.logs().commits(first, 1);
    if (not some) return some.error();
    if (some->empty() or some->front().number == 1) return log_cursor();
    const auto from = from_.oldest_checkpoint();
    if (not from) return from.error();
    if (*from == nullptr) return log_cursor();
    if (auto done = take_checkpoint(**from); not done) return done.error();
    return (*from)->commits_behind();
  }

  result<void, store_error> take_checkpoint(const checkpoint_reader& from) {
    const auto& meta = from.meta();
    first_epoch_ = meta.epoch + 1;
    last_ = reached{from.commit(), meta.epoch};
    previous_now_ = meta.now;
    decisions_begin_ = from.decisions_behind();
    into_.checkpoints.push_back(checkpoint_of(only_partition, meta.epoch, meta.now, meta.settings));
    for (const auto& each : command_ids_from(meta.settings)) {
      to_.add_known_command(only_partition, each);
      policies_.know(each.key);
    }
    auto done =
        from.each_erased([this](std::string_view hash, std::string_view row) { return erased_.add(hash, row); });
    if (done) done = erased_.check(from.key_check());
    if (not done) return done;
    return from.each_user([this](std::string_view uid, std::string_view state) -> result<void, store_error> {
      if (++states_ % states_per_tell == 0)
        if (auto told = with_.tell(0, from_.meta().epoch); not told) return told;
      if (auto told = erased_.tell(uid, to_); not told) return told;
      return to_.add_state(uid, only_partition, state);
    });
  }

  result<void, store_error> take(const stored_commit& what) {
    const auto impossible = [&what] {
      return damaged(fmt::format(
          "commit {} does not follow on the one before, or its lines are not those of its epochs", what.number));
    };
    if (what.epochs.empty() or (last_ and what.number != last_->commit + 1)) return impossible();
    if (not last_) {
      first_epoch_ = what.epochs.front().number;
      last_ = reached{0, first_epoch_ - 1};
    }
    last_->commit = what.number;
    const auto& begin = what.epochs.front();
    if (auto done = policies_.load({.epoch = begin.number,
                                    .now = begin.now,
                                    .previous_now = previous_now_,
                                    .retention_ms = into_.retention_ms,
                                    .rules = what.rules},
                                   what.controls);
        not done)
      return done;
    const auto batch = batch_from(what.input, decoder_);
    next_refusal_ = what.refusals.begin();
    std::size_t line = 0;
    for (const auto& each : what.epochs) {
      if (each.number != last_->epoch + 1 or each.lines > batch->lines.size() - line) return impossible();
      last_->epoch = each.number;
      note_epoch(each);
      for (const auto end = line + each.lines; line < end; ++line)
        if (auto done = take_line(what, each, *batch, line); not done) return done;
      previous_now_ = each.now;
    }
    return line == batch->lines.size() and next_refusal_ == what.refusals.end() ? result<void, store_error>{}
                                                                                : impossible();
  }

  // An epoch of a clock that has not begun holds no event.
  void note_epoch(const journal_epoch& what) {
    if (what.now == 0) return;
    if (into_.parts.empty()) into_.parts.push_back({only_partition, what.now});
    into_.parts.back().last_now = what.now;
    into_.parts.back().last_epoch = what.number;
  }

  result<void, store_error> take_line(const stored_commit& commit, const journal_epoch& epoch, const input_batch& batch,
                                      std::size_t line) {
    const auto& read = batch.lines[line];
    const auto* what = event_of(batch, line);
    std::optional<refusal> refused;
    if (next_refusal_ != commit.refusals.end() and next_refusal_->commit_line == line) refused = (next_refusal_++)->why;
    if (not refused and read.kind == line_kind::refused) refused = batch.refusals[read.index].why;
    if (refused)
      to_.add_refused(*refused);
    else if (what == nullptr)
      to_.add_empty_line();
    if (what == nullptr or (refused and not is_refused_by_core(*refused, *what))) return {};
    if (read.kind == line_kind::command and not refused) policies_.obey(epoch.now, *what);
    if (auto told = erased_.tell(uid_of(batch, line), to_); not told) return told;
    return to_.add({.uid = uid_of(batch, line),
                    .what = *what,
                    .partition = only_partition,
                    .epoch = epoch.number,
                    .place = static_cast<std::uint32_t>(line),
                    .now = epoch.now,
                    .previous_now = previous_now_,
                    .refused = refused.has_value(),
                    .notes_id = refused and notes_its_id(*refused, *what)});
  }

  void describe_deployment() {
    const auto& settings = from_.meta().settings;
    into_.arrivals_known = setting_of(settings, "clock") != to_text(clock_kind::events);
    into_.horizon_ms = into_.arrivals_known ? horizon_wall_ms : horizon_events_ms;
    if (const auto kept = parse_number<std::int64_t>(setting_of(settings, "retention_ms"))) into_.retention_ms = *kept;
  }

  result<void, store_error> take_reviews() {
    decided_reviews reviews(first_epoch_, to_);
    auto at = decisions_begin_;
    for (;;) {
      const auto some = from_.logs().decisions(at, decisions_at_once);
      if (not some) return some.error();
      if (some->empty()) return {};
      for (const auto& each : *some) {
        if (auto told = with_.tell_decision({}, each); not told) return told;
        if (auto done = reviews.add({}, each); not done) return done;
      }
      if (auto done = with_.tell(from_.meta().epoch, from_.meta().epoch); not done) return done;
    }
  }

  const local_reader& from_;
  const source_hooks& with_;
  packer& to_;
  history_contents& into_;
  policies_in_force policies_;
  erased_before erased_;
  wire_decoder decoder_;
  std::optional<reached> last_;
  std::uint64_t first_epoch_ = 1;
  log_cursor decisions_begin_;
  std::uint64_t states_ = 0;
  /// Of the epoch before.
  time_ms previous_now_ = INT64_MIN;
  std::vector<journal_refusal>::const_iterator next_refusal_;
};

} // namespace

result<void, store_error> pack_local_store(const std::filesystem::path& folder, const source_hooks& with, packer& to,
                                           history_contents& into) {
  const auto from = local_reader::open(folder);
  if (not from) return from.error();
  return local_packing(**from, with, to, into).run();
}

} // namespace fairuse::history
