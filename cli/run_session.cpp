// SPDX-License-Identifier: Apache-2.0

#include "cli/run_session.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "cli/command.hpp"
#include "cli/kafka_session.hpp"
#include "cli/process_figures.hpp"
#include "cli/run_summary.hpp"
#include "storage/case_key.hpp"
#include "streams/failpoint.hpp"

namespace fairuse::cli {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

} // namespace

bool run_session::fail(int code, const std::string& sentence) {
  if (progress_ != nullptr) progress_->clear();
  spdlog::error("{}", sentence);
  exit_code_ = code;
  failed_ = true;
  return false;
}

bool run_session::fail(const store_error& error) { return fail(exit_failed, error.message); }

int run_session::run() {
  const auto begin = steady_clock::now();
  if (not load_configuration() or not load_case_key()) return exit_code_;
  if (deployment_.settings.streams == stream_kind::kafka) return kafka_session{settings_, deployment_, case_key_}.run();
  if (not check_input() or not open_store() or not agree_on_clock() or not agree_on_policies() or not open_input())
    return exit_code_;
  spdlog::info("reading {} from line {}, clock {}, state in {}",
               settings_.input == "-" ? "standard input" : input_name_, start_lines_ + 1, to_text(clock_),
               settings_.state_folder);
  reader_->start();
  loop();
  reader_->stop();
  queue_->close();
  const auto code = finish();
  progress_->clear();
  if (not failed_) tell_summary(std::chrono::duration<double>(steady_clock::now() - begin).count());
  return code;
}

bool run_session::load_case_key() {
  const auto& file = deployment_.settings.case_key_file;
  auto found = find_case_key(file.empty() ? std::nullopt : std::optional{file});
  if (not found) return fail(exit_usage, found.error().message);
  const bool development = found->from == case_key_origin::development;
  if (development and deployment_.settings.streams == stream_kind::kafka)
    return fail(exit_usage,
                "Kafka needs a case key of its own: name a file of at least 16 random bytes as case_key.file, or set "
                "FAIRUSE_CASE_KEY (`openssl rand -hex 32` makes one)");
  if (development)
    spdlog::warn(
        "case references use the development key, which everybody knows: set FAIRUSE_CASE_KEY or case_key.file");
  case_key_ = std::move(found->bytes);
  return true;
}

// Epoch by epoch, until the input ends, a signal comes or something is wrong.
void run_session::loop() {
  while (not signal_->came()) {
    source_->expect_timer(shard_->next_due());
    if (const auto from = source_->seal()) {
      sink_->write(*from, shard_->run(from->sealed));
      if (sink_->waiting() == 1) waiting_since_ = steady_clock::now();
      if (commit_is_due() and not commit()) return;
      progress_->at(start_bytes_ + sink_->totals().bytes, sink_->totals().events);
      continue;
    }
    if (source_->stopped() != source_stop::none or source_->at_end()) return;
    if (sink_->waiting() > 0 and steady_clock::now() - waiting_since_ >= milliseconds{settings_.commit_ms}
        and not commit())
      return;
    wait_for_input();
  }
}

// A backlog of a past file commits by size, so that a user who speaks often is one row per commit and not one per
// epoch. Under the wall clock somebody waits for every decision.
bool run_session::commit_is_due() {
  if (sink_->waiting_bytes() >= settings_.commit_bytes or shard_->active_users() > active_users_max_) return true;
  return clock_ == clock_kind::wall and steady_clock::now() - waiting_since_ >= milliseconds{settings_.commit_ms};
}

bool run_session::commit() {
  if (const auto done = sink_->commit(); not done) return fail(done.error());
  shard_->passivate();
  return true;
}

void run_session::wait_for_input() {
  auto wait = milliseconds{1'000};
  if (sink_->waiting() > 0) {
    const auto left = waiting_since_ + milliseconds{settings_.commit_ms} - steady_clock::now();
    wait = std::max(milliseconds{1}, std::chrono::ceil<milliseconds>(left));
  }
  if (clock_ == clock_kind::wall) {
    const auto due = shard_->next_due();
    const auto now = wall_clock_ms();
    if (due != never) wait = std::min(wait, milliseconds{std::clamp<std::int64_t>(due - now, 1, 1'000)});
  }
  queue_->wait(wait);
}

// What is sealed becomes durable; then say why it is over.
int run_session::finish() {
  if (failed_) return exit_code_;
  if (sink_->waiting() > 0 and not commit()) return exit_code_;
  if (const auto done = store_->wait(); not done) {
    fail(done.error());
    return exit_code_;
  }
  failpoint::pass("stopping");
  if (not failpoint::was_passed()) spdlog::warn("FAIRUSE_FAIL names a place that was never passed");
  if (signal_->came()) {
    spdlog::info("stopped by {}: everything sealed is committed",
                 signal_->was_interrupt() ? "Ctrl-C (SIGINT)" : "SIGTERM");
    return signal_->was_interrupt() ? exit_interrupted : exit_done;
  }
  if (not reader_->failure().empty())
    fail(exit_failed, reader_->failure());
  else if (source_->stopped() != source_stop::none)
    tell_stop();
  return exit_code_;
}

bool run_session::tell_stop() {
  const auto line = source_->stopped_at();
  if (source_->stopped() == source_stop::file_of_past)
    return fail(exit_usage,
                fmt::format("line {}: the first event is more than 24 hours old. For a file of the past add "
                            "`--clock events`; for late uploads of today add `--clock wall`",
                            line));
  return fail(exit_usage,
              fmt::format("line {}: 1,000 lines in a row are too far ahead of the events before them (reason "
                          "`future`). If there is such a gap, allow it with --max-gap (now {})",
                          line, yaml::format_duration(horizon_ms())));
}

void run_session::tell_summary(double seconds) {
  const run_figures figures{.seconds = seconds,
                            .cpu_seconds = cpu_seconds(),
                            .memory_peak_bytes = memory_peak_bytes(),
                            .bytes = sink_->totals().bytes,
                            .active_users = shard_->active_users(),
                            .last_epoch = store_->committed_epoch()};
  const auto dead_letters = dead_letter_count(sink_->totals());
  if (dead_letters > 1'000 and dead_letters * 2 > sink_->totals().lines)
    spdlog::warn("more than half of the lines became dead letters: `fairuse decisions --dead-letters` says why");
  const auto text = summary_text(sink_->totals(), figures);
  fmt::print(stderr, "{}", text);
  if (settings_.json) fmt::print("{}\n", summary_json(sink_->totals(), figures));
}

} // namespace fairuse::cli
