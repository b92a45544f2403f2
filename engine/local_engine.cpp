// SPDX-License-Identifier: Apache-2.0

#include "engine/local_engine.hpp"

#include <algorithm>
#include <memory>
#include <mutex>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "config/yaml.hpp"
#include "engine/clocks.hpp"
#include "engine/process_figures.hpp"
#include "streams/failpoint.hpp"
#include "streams/unusable_input.hpp"

namespace fairuse {

namespace {

using std::chrono::milliseconds;

/// How long a delivery to the second input may wait.
constexpr milliseconds spool_interval{100};
constexpr milliseconds figures_interval{100};

std::int64_t us_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::microseconds>(steady_now() - begin).count();
}

run_error error_of(const store_error& from) { return {run_fault::failed, from.message}; }

} // namespace

run_result<void> local_engine::run() { return withdrawn_if_refused(run_to_end()); }

run_result<void> local_engine::run_to_end() {
  told_.log(log_level::info, fmt::format("reading {} from line {}, clock {}, state in {}",
                                         settings_.input == "-" ? "standard input" : input_name_, start_.lines + 1,
                                         to_text(clock_), settings_.state_folder));
  tell_progress();
  reader_->start();
  auto done = drive();
  reader_->stop();
  queue_->close();
  if (done) done = finish();
  if (not done) return done;
  report_ = make_report();
  return judge_input();
}

// Whether the input as a whole was worth reading.
run_result<void> local_engine::judge_input() const {
  const auto& totals = sink_->totals();
  const bool is_whole = settings_.until_end and start_.offset == 0 and not stop_;
  if (is_whole and totals.lines == 0) told_.log(log_level::warning, "the input has no line");
  if (is_whole and totals.unreadable_lines > 0 and totals.unreadable_lines + totals.empty_lines == totals.lines)
    return run_error{
        run_fault::refused,
        fmt::format("no line of the input is an event ({} refused; `fairuse decisions --state {} --dead-letters` says "
                    "why). {}",
                    totals.unreadable_lines, settings_.state_folder,
                    describe_unusable_input(totals.first_unreadable, "fairuse run ... --input -"))};
  const auto too_old = totals.dead_letters[static_cast<std::size_t>(refusal::too_old)];
  if (too_old > 0 and too_old * 2 >= totals.lines and not source_->told_too_old())
    warn_of_old_lines(fmt::format("{} of {} lines", too_old, totals.lines));
  else if (report_->dead_letters > 1'000 and report_->dead_letters * 2 > totals.lines)
    told_.log(log_level::warning,
              fmt::format("more than half of the lines became dead letters: `fairuse decisions --state {} "
                          "--dead-letters` says why",
                          settings_.state_folder));
  return {};
}

void local_engine::stop() {
  stop_ = true;
  reader_->stop();
  queue_->wake();
}

// Seal, run, write, commit: epoch by epoch, until the input ends, stop() is called or something is wrong.
run_result<void> local_engine::drive() {
  while (goes_on()) {
    take_spooled();
    source_->expect_timer(shard_->next_due());
    if (const auto from = source_->seal()) {
      run_epoch(*from);
      if (sink_->waiting() == 1) waiting_since_ = steady_now();
      if (commit_is_due())
        if (auto done = commit(); not done) return done;
      tell_progress();
      continue;
    }
    const bool turns = source_->at_content_end();
    if (source_->stopped() != source_stop::none) break;
    if (source_->at_end() and not turns and not spool_has_more()) break;
    if (commit_is_overdue() or (turns and sink_->waiting() > 0))
      if (auto done = commit(); not done) return done;
    if (turns)
      source_->begin_next_content();
    else
      wait_for_input();
  }
  return {};
}

// Under the events' clock there may be a million epochs a second: none is timed.
void local_engine::run_epoch(const local_epoch& from) {
  const bool is_timed = clock_ == clock_kind::wall and told_.figures;
  const auto began = is_timed ? steady_now() : std::chrono::steady_clock::time_point{};
  const auto decided = shard_->run(from.sealed);
  sink_->write(from, decided);
  notices_.reused_ids(sink_->totals().counts.reused_command_ids);
  notices_.accounts(from.sealed.events, *decided.broadcast->in_force.policies);
  last_now_ = from.sealed.now;
  if (is_timed) epoch_times_.add(us_since(began));
}

// A stop leaves what is not sealed to the next run, which reads it again: all but the lines that have lost their name.
bool local_engine::goes_on() { return not stop_ or (reader_->has_position() and source_->keep_unrepeatable_lines()); }

// A backlog of a past file commits by size, so that a user with many events is one row per commit and not one per
// epoch. Under the wall clock a commit is due after `commit_ms`, too.
bool local_engine::commit_is_due() const {
  if (sink_->waiting_bytes() >= settings_.commit_bytes or shard_->active_users() > active_users_max_) return true;
  return clock_ == clock_kind::wall and commit_is_overdue();
}

bool local_engine::commit_is_overdue() const {
  return sink_->waiting() > 0 and steady_now() - waiting_since_ >= milliseconds{settings_.commit_ms};
}

run_result<void> local_engine::commit() {
  const auto published = [this, began = steady_now()] {
    const std::lock_guard guard{commit_times_mutex_};
    commit_times_.add(us_since(began));
  };
  if (const auto done = sink_->commit(published); not done) return error_of(done.error());
  shard_->passivate();
  tell_checkpoint_failure();
  tell_figures(true);
  return {};
}

// `waits`: there may be lines that are not sealed yet.
void local_engine::tell_figures(bool waits) {
  if (not told_.figures or steady_now() - figures_told_ < figures_interval) return;
  figures_told_ = steady_now();
  const auto& totals = sink_->totals();
  const auto wall = wall_clock_ms();
  partition_figures own{.epoch = store_->committed_epoch(), .users = shard_->active_users()};
  if (clock_ == clock_kind::wall) {
    const auto newest = totals.by_kind.newest;
    if (last_now_ > 0) own.epoch_age_ms = std::max<std::int64_t>(0, wall - last_now_);
    if (not waits)
      own.lag_ms = 0;
    else if (newest != INT64_MIN)
      own.lag_ms = std::max<std::int64_t>(0, wall - newest);
  }
  engine_figures all{.mode = stream_kind::local,
                     .at = wall,
                     .events = totals.by_kind,
                     .decisions = totals.by_slot,
                     .dead_letters = totals.dead_letters,
                     .moved_to_backfill = totals.counts.moved_to_backfill,
                     .reused_command_ids = totals.counts.reused_command_ids,
                     .epochs = totals.epochs,
                     .commits = totals.commits,
                     .epoch_times = epoch_times_,
                     .partitions = {std::move(own)}};
  {
    const std::lock_guard guard{commit_times_mutex_};
    all.commit_times = commit_times_;
  }
  told_.figures(std::move(all));
}

void local_engine::tell_checkpoint_failure() const {
  if (const auto failure = store_->take_checkpoint_failure()) told_.log(log_level::warning, *failure);
}

// Looking costs a system call or two, so it is not done for every epoch.
void local_engine::take_spooled() {
  if (spool_ == nullptr or stop_) return;
  if (not spool_->has_more() and steady_now() - spool_seen_ < spool_interval) return;
  spool_seen_ = steady_now();
  sink_->settle_if_written();
  for (auto& each : spool_->take())
    source_->put_spooled(std::move(each));
}

bool local_engine::spool_has_more() const { return spool_ != nullptr and not stop_ and spool_->has_more(); }

void local_engine::wait_for_input() {
  tell_figures(false);
  if (spool_has_more()) return;
  auto wait = spool_ != nullptr ? spool_interval : milliseconds{1'000};
  if (sink_->waiting() > 0) {
    const auto left = waiting_since_ + milliseconds{settings_.commit_ms} - steady_now();
    wait = std::max(milliseconds{1}, std::chrono::ceil<milliseconds>(left));
  }
  if (clock_ == clock_kind::wall) {
    const auto due = shard_->next_due();
    if (due != never) wait = std::min(wait, milliseconds{std::clamp<std::int64_t>(due - wall_clock_ms(), 1, 1'000)});
  }
  queue_->wait(wait);
}

// On the store's thread, or before there is one.
void local_engine::keep_published(const published_commit& commit) {
  auto made = std::make_shared<const published_state>(published_state{store_->last_commit(), commit});
  const std::lock_guard one_owner{owner_mutex_};
  {
    const std::lock_guard guard{published_mutex_};
    published_.swap(made);
  }
  if (told_.leases_used and not commit.leases.empty()) told_.leases_used(commit.leases);
}

void local_engine::ask(user_question question) {
  std::unique_lock one_owner{owner_mutex_, std::defer_lock};
  if (question.as_owner) one_owner.lock();
  std::shared_ptr<const published_state> from;
  {
    const std::lock_guard guard{published_mutex_};
    from = published_;
  }
  if (from == nullptr) return question.told(nullptr);
  const auto& [users, commit] = *from;
  const auto who = users->load(question.uid, *commit.in_force.policies, commit.now);
  if (not who) {
    told_.log(log_level::error, "a user cannot be read: " + who.error().message);
    return question.told(nullptr);
  }
  const committed_user answer{
      .who = **who,
      .in_force = commit.in_force,
      .now = commit.now,
      .epoch = commit.epoch,
      .owned_for_ms = std::chrono::duration_cast<milliseconds>(steady_now() - begun_).count(),
      .log = [&](std::size_t most) { return users->log_of(question.uid, most).value_or(std::vector<std::string>{}); }};
  question.told(&answer);
}

std::vector<owned_partition> local_engine::owned() const {
  const std::lock_guard guard{published_mutex_};
  if (published_ == nullptr) return {};
  return {{.partition = 0, .epoch = published_->commit.epoch}};
}

// Commit what is sealed; then return why the run ended.
run_result<void> local_engine::finish() {
  if (sink_->waiting() > 0)
    if (auto done = commit(); not done) return done;
  if (const auto done = sink_->wait(); not done) return error_of(done.error());
  failpoint::pass("stopping");
  // A stop does not wait for a checkpoint: the next start takes another one.
  if (stop_) return {};
  store_->wait_for_checkpoint();
  tell_checkpoint_failure();
  if (auto read = reader_->failure(); not read) return run_error{run_fault::failed, std::move(read.error().message)};
  if (source_->stopped() != source_stop::none) return refused_line();
  return {};
}

void local_engine::warn_of_old_lines(const std::string& which) const {
  told_.log(log_level::warning,
            fmt::format("{} are dead letters (`too_old`): they lie more than {} before `now`. Check the order of "
                        "the input and the clocks of its senders",
                        which, yaml::format_duration(all_.settings.retention.usage_ms)));
}

run_error local_engine::refused_line() const {
  const auto line = source_->stopped_at();
  if (source_->stopped() == source_stop::file_of_past)
    return {run_fault::refused,
            fmt::format("line {}: the first event is more than 24 hours old. For a file of the past add "
                        "`--clock events`; for late uploads of today add `--clock wall`",
                        line)};
  return {run_fault::refused,
          fmt::format("line {}: 1,000 lines in a row are too far ahead of the events before them (reason "
                      "`future`). If there is such a gap, allow it with --max-gap (now {})",
                      line, yaml::format_duration(horizon_ms()))};
}

void local_engine::tell_progress() const {
  told_.progress(
      {.done = start_.offset + sink_->totals().bytes, .total = total_bytes_, .events = sink_->totals().events});
}

run_report local_engine::make_report() const {
  const auto& totals = sink_->totals();
  const auto sum = [](const auto& values) { return std::accumulate(values.begin(), values.end(), std::uint64_t{0}); };
  return {.seconds = seconds_since(begun_),
          .cpu_seconds = cpu_seconds(),
          .memory_peak_bytes = memory_peak_bytes(),
          .epochs = totals.epochs,
          .duplicates = totals.counts.duplicates + totals.duplicate_commands,
          .dead_letters = sum(totals.dead_letters),
          .decisions = sum(totals.decisions),
          .of_mode = local_figures{
              .totals = totals, .active_users = shard_->active_users(), .last_epoch = store_->committed_epoch()}};
}

} // namespace fairuse
