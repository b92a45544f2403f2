// SPDX-License-Identifier: Apache-2.0
//
// The driver: work(), and one epoch from E1 to E10 in run_epoch().
#include "streams/kafka/worker/kafka_worker.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "streams/failpoint.hpp"

namespace fairuse::kafka {

namespace {

constexpr int commit_calls_max = 1'000;
constexpr milliseconds takeover_wait{2};

} // namespace

kafka_worker::kafka_worker(engine_rules rules, cluster& brokers)
  : rules_(std::move(rules)),
    brokers_(brokers),
    clock_(rules_.environment.wall, rules_.environment.steady),
    epoch_size_(rules_.bounds.epoch_events, rules_.bounds.backlog_epoch.count()),
    dead_letters_(rules_.dead_letters),
    notices_([this](const std::string& text) { rules_.environment.log(log_level::warning, text); }) {}

kafka_worker::~kafka_worker() { close(); }

bool kafka_worker::work(milliseconds wait) {
  if (rules_.environment.steady() < not_before_) wait = std::min(wait, milliseconds{retry_ms});
  switch (phase_) {
    case phase::starting:
      if (rules_.environment.steady() >= not_before_) start();
      break;
    case phase::running:
      poll(work_on_takeovers() ? std::min(wait, takeover_wait) : wait);
      if (phase_ == phase::running) run_due_epoch();
      break;
    case phase::fenced:
      watch_fence();
      break;
    case phase::recycling:
      recycle();
      break;
    case phase::over:
      return false;
  }
  answer_questions();
  write_behind();
  publish();
  return phase_ != phase::over;
}

void kafka_worker::run_due_epoch() {
  auto now = clock_.now();
  if (not epoch_is_due(now)) return;
  refuse_foreign_keys();
  // One `now` for all partitions, not before the last one of any.
  for (const auto* each : ready())
    now = std::max(now, each->last_now());
  if (not run_overdue_timers(now)) return;
  const auto steady = rules_.environment.steady();
  std::vector<partition_shard*> which;
  bool first = false;
  for (auto& [partition, each] : owned_) {
    if (not each.shard) continue;
    const bool is_idle = not each.shard->has_work(now) and not each.is_asked;
    if (is_idle and steady - each.last_commit < rules_.bounds.heartbeat.count()) continue;
    which.push_back(each.shard.get());
    first = first or not each.shard->has_committed();
  }
  epoch_since_ = INT64_MIN;
  sealed_at_ = steady;
  if (which.empty() or not run_epoch(which, now, SIZE_MAX)) return;
  if (first) fetch_again_ = true;
  watch_dead_letters();
}

// E2: too many timers are fired first, in epochs of their own at the same `now`; the rest goes with the events.
bool kafka_worker::run_overdue_timers(time_ms now) {
  const auto most = rules_.bounds.epoch_timers;
  while (true) {
    std::vector<partition_shard*> full;
    for (auto* each : ready())
      if (each->has_committed() and each->due_users(now, most + 1) > most) full.push_back(each);
    if (full.empty()) return true;
    // A successful commit may still have ended the producer.
    if (not run_epoch(full, now, most) or phase_ != phase::running) return false;
  }
}

// One epoch is one transaction over the partitions in `which`, all at one `now`. Nothing is polled before E9. False: it
// is not committed, and recovery is under way or the process ends.
bool kafka_worker::run_epoch(const std::vector<partition_shard*>& which, time_ms now, std::size_t timers_max) {
  const auto began = rules_.environment.steady();
  std::size_t records = 0;
  for (const auto* each : which)
    records += each->records();
  if (const auto done = producer_->begin(); not done) {
    recover(done.error(), which);
    return false;
  }
  for (auto* each : which) {
    const auto sealed = each->seal(now, timers_max);               // E1
    const auto decided = each->run(sealed);                        // E2 to E4
    const auto written = each->write(sealed, decided, *producer_); // E5
    if (not written) {
      end_with(fmt::format("partition {}: {}", each->partition(), written.error().message));
      return false;
    }
    notices_.accounts(sealed.events, *decided.broadcast->in_force.policies);
  }
  const auto produced = rules_.environment.steady();
  auto done = flush();                  // E6
  if (done) done = send_offsets(which); // E7
  if (done) done = commit();            // E8
  if (not done) {
    recover(done.error(), which);
    return false;
  }
  confirm(which, produced);     // E9
  failpoint::pass("published"); // E10: publish() shows it
  const auto ended = rules_.environment.steady();
  counts_.last_epoch_ms = ended - began;
  counts_.epoch_times.add((produced - began) * 1'000);
  counts_.commit_times.add((ended - produced) * 1'000);
  if (timers_max == SIZE_MAX) epoch_size_.took(records, counts_.last_epoch_ms);
  return true;
}

call_result<> kafka_worker::flush() {
  auto done = producer_->flush();
  if (done) failpoint::pass("flushed");
  return done;
}

// Of all ready partitions: those without an epoch repeat theirs, so that the group's generation is checked for them
// too.
call_result<> kafka_worker::send_offsets(const std::vector<partition_shard*>& which) {
  std::vector<committed_offset> offsets;
  for (const auto* each : ready()) {
    const bool runs = std::find(which.begin(), which.end(), each) != which.end();
    if (not runs and not each->has_committed()) continue;
    const auto some = each->offsets();
    offsets.insert(offsets.end(), some.begin(), some.end());
  }
  auto done = producer_->send_offsets(offsets, *group_);
  for (int i = 0; asks_for(done, next_action::again) and i < commit_calls_max; ++i)
    done = producer_->send_offsets(offsets, *group_);
  if (done) failpoint::pass("offsets_sent");
  return done;
}

call_result<> kafka_worker::commit() {
  auto done = producer_->commit();
  for (int i = 0; asks_for(done, next_action::again) and i < commit_calls_max; ++i)
    done = producer_->commit();
  if (done) failpoint::pass("committed");
  return done;
}

void kafka_worker::confirm(const std::vector<partition_shard*>& which, time_ms produced_at) {
  const auto steady = rules_.environment.steady();
  for (auto* each : which) {
    each->confirm(*producer_);
    auto& owned = owned_[each->partition()];
    owned.last_commit = steady;
    owned.is_asked = false;
    notices_.reused_ids(each->totals().counts.reused_command_ids);
  }
  failpoint::pass("pending");
  ++counts_.transactions;
  // A request of this transaction may still be under way and could end the next one.
  const bool doubtful = producer_->had_errors() or steady - produced_at > rules_.bounds.slow_commit.count();
  if (not doubtful) return;
  rules_.environment.log(log_level::warning, "the commit did not go through at once: taking a new producer");
  phase_ = phase::recycling;
  producer_.reset();
}

void kafka_worker::end_with(std::string why) {
  outcome_ = error{std::move(why)};
  phase_ = phase::over;
}

std::vector<partition_shard*> kafka_worker::ready() const {
  std::vector<partition_shard*> all;
  for (const auto& [partition, each] : owned_)
    if (each.shard) all.push_back(each.shard.get());
  return all;
}

void kafka_worker::write_behind() {
  const auto steady = rules_.environment.steady();
  const auto& bounds = rules_.bounds;
  for (auto& [partition, each] : owned_) {
    if (not each.shard) continue;
    auto& store = each.shard->store();
    const bool full = store.pending_rows() > bounds.pending_rows or store.pending_bytes() > bounds.pending_bytes;
    if (not full and steady - each.last_write < bounds.write_every.count()) continue;
    each.last_write = steady;
    store.write_behind();
    const bool over =
        store.pending_rows() > 2 * bounds.pending_rows or store.pending_bytes() > 2 * bounds.pending_bytes;
    auto status = over ? store.drain() : store.failure();
    if (not status) end_with(fmt::format("partition {}: {}", partition, status.error().message));
  }
}

void kafka_worker::close() {
  refuse_questions();
  if (phase_ == phase::over and group_ == nullptr) return;
  for (auto& [partition, each] : owned_) {
    if (not each.shard) continue;
    if (auto status = each.shard->store().drain(); not status and outcome_) outcome_ = error{status.error().message};
    counts_.totals += each.shard->totals();
  }
  // Batches are destroyed before the member that they came from.
  owned_.clear();
  published_at_ = INT64_MIN;
  publish();
  leaving_ = true;
  failpoint::pass("leaving");
  producer_.reset();
  if (group_) group_->close();
  group_.reset();
  phase_ = phase::over;
  published_at_ = INT64_MIN;
  publish();
}

void kafka_worker::abandon() {
  refuse_questions();
  for (auto& [partition, each] : owned_)
    if (each.shard) each.shard->store().abandon();
  owned_.clear();
  producer_.reset();
  group_.reset();
  phase_ = phase::over;
}

} // namespace fairuse::kafka
