// SPDX-License-Identifier: Apache-2.0
//
// Reading records, when they are enough for an epoch, and when too many have foreign keys or are dead letters.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "streams/kafka/worker/kafka_worker.hpp"

namespace fairuse::kafka {

namespace {

/// So far behind the end, nothing waits for the newest record.
constexpr std::int64_t backlog_records = 10'000;

} // namespace

void kafka_worker::fetch_all() {
  fetch_again_ = false;
  silent_since_ = INT64_MIN;
  std::vector<position> from;
  for (const auto* each : ready()) {
    // Where it begins is committed before the first record is read.
    if (not each->has_committed()) continue;
    const auto places = each->read_from();
    from.insert(from.end(), places.begin(), places.end());
  }
  if (const auto done = group_->fetch(from); not done) {
    rules_.environment.log(log_level::warning, fmt::format("fetching: {} ({})", done.error().text, done.error().code));
    fetch_again_ = true;
  }
}

void kafka_worker::poll(milliseconds wait) {
  if (fetch_again_) fetch_all();
  const auto now = clock_.now();
  if (const auto jump = clock_.take_jump())
    rules_.environment.log(log_level::error, fmt::format("the wall clock is {} ms off: {}", *jump,
                                                         *jump > 0 ? "the engine's time jumps ahead with it"
                                                                   : "the engine's time does not go back"));
  // No longer than until something is due.
  auto until = std::int64_t{wait.count()};
  for (const auto* each : ready()) {
    if (each->records() > 0) until = std::min(until, std::max<std::int64_t>(0, epoch_left()));
    if (each->next_due() != never) until = std::min(until, std::max<std::int64_t>(0, each->next_due() - now));
  }
  auto batch = group_->poll(milliseconds{until});
  if (batch) backlog_ = behind() >= backlog_records;
  if (batch or silent_since_ == INT64_MIN) silent_since_ = batch ? INT64_MIN : rules_.environment.steady();
  if (batch) sort_in(std::move(batch));
  if (const auto fatal = group_->failure(); not fatal)
    end_with(fmt::format("this member of the group is no longer one: {} ({}). Does another process run as instance {}?",
                         fatal.error().text, fatal.error().code, rules_.worker_name));
}

void kafka_worker::sort_in(std::shared_ptr<const record_batch> batch) {
  // Partitions that a gap was found in take nothing more of this batch.
  std::vector<std::int32_t> gaps;
  partition_shard* last = nullptr;
  bool any = false;
  for (std::size_t i = 0; i < batch->records().size(); ++i) {
    const auto partition = batch->records()[i].partition;
    if (last == nullptr or last->partition() != partition) {
      const auto found = owned_.find(partition);
      last = found == owned_.end() ? nullptr : found->second.shard.get();
    }
    if (last == nullptr or (not gaps.empty() and std::find(gaps.begin(), gaps.end(), partition) != gaps.end()))
      continue;
    const auto how = last->accept(batch, i);
    any = any or how == partition_shard::accept_result::taken;
    if (how != partition_shard::accept_result::gap) continue;
    gaps.push_back(partition);
    fetch_again_ = true;
  }
  if (any and epoch_since_ == INT64_MIN) epoch_since_ = rules_.environment.steady();
}

// An epoch ends so long after the last one was sealed: what came during its commit has waited already. One that may
// grow begins with its first record.
std::int64_t kafka_worker::epoch_left() const {
  const auto steady = rules_.environment.steady();
  return backlog_ ? rules_.bounds.backlog_epoch.count() - (steady - epoch_since_)
                  : rules_.bounds.epoch.count() - (steady - sealed_at_);
}

// Records between the positions and the brokers' last known ends. These may be old, so at the end it is 0.
std::int64_t kafka_worker::behind() const {
  std::int64_t all = 0;
  for (const auto* each : ready())
    for (const auto& at : each->read_from())
      all += std::max<std::int64_t>(0, lag_of(at));
  return all;
}

bool kafka_worker::epoch_is_due(time_ms now) {
  const auto steady = rules_.environment.steady();
  if (epoch_since_ != INT64_MIN and epoch_left() <= 0) return true;
  std::size_t records = 0;
  std::size_t bytes = 0;
  for (const auto& [partition, each] : owned_) {
    if (not each.shard) continue;
    records += each.shard->records();
    bytes += each.shard->bytes();
    if (each.is_asked or (each.shard->records() == 0 and each.shard->has_work(now))) return true;
    if (steady - each.last_commit >= rules_.bounds.heartbeat.count()) return true;
  }
  return records >= epoch_size_.records() or bytes >= rules_.bounds.epoch_bytes;
}

// Before their records become dead letters.
void kafka_worker::refuse_foreign_keys() {
  for (auto& [partition, each] : owned_) {
    if (not each.shard or not each.shard->has_foreign_keys()) continue;
    each.refused = fmt::format(
        "most of its records have keys that belong to other partitions: the producers use "
        "another partitioner than {}. Set streams.partitioner to theirs and start again",
        rules_.partitioner);
    rules_.environment.log(log_level::error, fmt::format("partition {} is refused: {}", partition, each.refused));
    counts_.totals += each.shard->totals();
    each.shard.reset();
    fetch_again_ = true;
  }
}

void kafka_worker::watch_dead_letters() {
  std::uint64_t records = counts_.totals.records;
  std::uint64_t dead_letters = sum_of(counts_.totals.dead_letters);
  for (const auto* each : ready()) {
    records += each->totals().records;
    dead_letters += sum_of(each->totals().dead_letters);
  }
  const auto level = dead_letters_.check(records, dead_letters, rules_.environment.steady());
  if (level == dead_letter_watch::level::fine) return;
  const auto text = fmt::format("{:.1f} % of the records became dead letters: {} says why, record by record",
                                dead_letters_.percent(), rules_.outputs.dead_letters);
  if (level == dead_letter_watch::level::stop)
    return end_with(text + ". Stopped, as streams.dead_letter_share.stop says");
  rules_.environment.log(log_level::error, text);
}

} // namespace fairuse::kafka
